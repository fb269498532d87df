"""Every operation that Bynder publishes has a method; the inventory of them is that of the definitions."""

from __future__ import annotations

from typing import Any, Final

import pytest
from workspace.answers import published_shapes
from workspace.bynder_calls import method_calls
from workspace.operations import ELSEWHERE, rows_of
from workspace.published import ROOT, folder, inventory_of, read_inventory

import damlink
from damlink.bynder import Portal
from damlink.bynder._drift import load_answers
from damlink.bynder._published import load_operations

OPERATIONS: Final = read_inventory()


@pytest.fixture(scope="module")
def rows() -> dict[str, Any]:
    return {row.operation: row for row in rows_of(OPERATIONS)}


def test_operation_when_published_has_a_method_and_a_command(rows: dict[str, Any]) -> None:
    assert [name for name, row in rows.items() if not (row.methods and row.commands)] == []


@pytest.mark.parametrize("page", ["README.md", "docs/how-to/use-the-bynder-client.md"])
def test_number_of_operations_when_a_page_names_it_is_right(page: str) -> None:
    assert f"all {len(OPERATIONS)} operations that Bynder publishes" in (ROOT / page).read_text("utf-8")


@pytest.mark.parametrize("name", ELSEWHERE)
def test_operation_when_carried_out_otherwise_is_published_and_called_nowhere(
    name: str, rows: dict[str, Any]
) -> None:
    assert rows[name].methods == ELSEWHERE[name].methods


@pytest.mark.parametrize("method", sorted({each for one in ELSEWHERE.values() for each in one.methods}))
def test_method_when_named_beside_the_resources_exists(method: str) -> None:
    known = {each.method for each in method_calls()}
    known |= {f"Portal.{name}" for name in vars(Portal.__mro__[1])} | {*damlink.__all__}
    assert method in known


def test_role_when_the_definition_names_some_is_one_of_them(rows: dict[str, Any]) -> None:
    named = {f"{each['method']} {each['path']}": {*each["rights"]} - {""} for each in OPERATIONS}
    wrong = [
        name for name, row in rows.items() if row.roles and named[name] and not named[name] & {*row.roles}
    ]
    assert wrong == []


def test_inventory_when_the_definitions_are_there_is_theirs() -> None:
    where = folder()
    if where is None:
        pytest.skip("needs Bynder's published definitions: name their folder in DAMLINK_OPENAPI")
    assert inventory_of(where) == OPERATIONS


def test_operations_when_the_client_knows_them_are_those_of_the_inventory() -> None:
    assert load_operations() == {f"{each['method']} {each['path']}" for each in OPERATIONS}


def test_answers_when_listed_are_those_of_all_operations_that_read_json() -> None:
    reading = {
        f"{each['method']} {each['path']}"
        for each in OPERATIONS
        if each["method"] == "GET" and any("json" in kind for kind in each["answers"].get("200", ()))
    }
    assert load_answers().keys() == reading


def test_answers_when_the_definitions_are_there_have_all_their_fields() -> None:
    where = folder()
    if where is None:
        pytest.skip("needs Bynder's published definitions: name their folder in DAMLINK_OPENAPI")
    missing = {
        name: shape.keys() - load_answers()[name].keys() for name, shape in published_shapes(where).items()
    }
    assert {name: fields for name, fields in missing.items() if fields} == {}
