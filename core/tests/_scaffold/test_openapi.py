"""Definitions as they are in public: large ones, and such as leave out or misplace what a tidy one has."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from damlink._scaffold.blueprint import Blueprint
from damlink._scaffold.names import Names
from damlink._scaffold.openapi.definition import adapt
from damlink._scaffold.openapi.document import read_document
from damlink._scaffold.openapi.words import identifier
from damlink._scaffold.render import write_distribution
from damlink._scaffold.standard import source_blueprint

TEXT = {"type": "string"}
ROW = {"type": "object", "properties": {"id": TEXT, "name": TEXT}}
ROWS = {"type": "array", "items": ROW}


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Return the blueprint that follows from a definition, given as its paths or as more of it."""

    def plan(paths: dict[str, Any], **more: Any) -> Blueprint:
        path = tmp_path / "definition.json"
        path.write_text(json.dumps({"openapi": "3.1.0", "paths": paths, **more}))
        return adapt(source_blueprint(Names.of("made")), path)

    return plan


def get(schema: Any, parameters: Any = (), **content: Any) -> dict[str, Any]:
    answer = {"content": {"application/json": {"schema": schema, **content}}}
    return {"get": {"parameters": list(parameters), "responses": {"200": answer}}}


def query(name: str, kind: str = "string", place: str = "query") -> dict[str, Any]:
    return {"name": name, "in": place, "schema": {"type": kind}}


def test_definition_when_each_object_has_many_of_its_own_kind_is_read(read: Any) -> None:
    wide: dict[str, Any] = {f"part{number}": {"$ref": "#/components/schemas/Wide"} for number in range(60)}
    schemas = {"Wide": {"type": "object", "properties": {"id": TEXT, **wide}}}
    items = {"$ref": "#/components/schemas/Wide"}
    plan = read({"/x": get({"type": "array", "items": items})}, components={"schemas": schemas})
    assert (len(plan.row.fields), len(plan.rows)) == (40, 7)


def test_definition_when_every_schema_is_one_of_all_is_read(read: Any) -> None:
    every = {"oneOf": [{"$ref": f"#/components/schemas/S{number}"} for number in range(40)]}
    schemas = {f"S{number}": every for number in range(40)}
    row = {"properties": {"id": TEXT, "filter": every}}
    plan = read({"/x": get({"type": "array", "items": row})}, components={"schemas": schemas})
    assert [field.name for field in plan.row.fields] == ["id", "filter"]


@pytest.mark.parametrize("example", [[{"id": "a", "size": 3}], '[{"id": "a", "size": 3}]'])
def test_list_when_it_has_an_example_alone_has_its_fields(read: Any, example: Any) -> None:
    plan = read({"/files": get({}, example=example)})
    assert [(field.name, field.type) for field in plan.row.fields] == [("id", "str"), ("size", "int | None")]
    assert plan.rows[0] == {"id": "a-1", "size": 3}


def test_list_when_an_example_does_not_fit_has_made_up_values(read: Any) -> None:
    row = {"properties": {"id": TEXT, "size": {"type": "integer", "example": "large"}}}
    plan = read({"/files": get({"type": "array", "items": row}, example=[{"id": "a", "size": "3 MB"}])})
    assert plan.rows[0] == {"id": "a-1", "size": 1}


def test_list_when_another_is_within_one_object_is_the_one_of_all(read: Any) -> None:
    file = {"properties": {"id": TEXT, "name": TEXT, "tags": ROWS}}
    needed = {**query("status"), "required": True}
    plan = read({"/files/{id}": get(file), "/files/by-status": get(ROWS, [needed])})
    assert plan.listing.path == "/files/by-status"


def test_path_when_it_has_a_query_and_stray_braces_is_without_them(read: Any) -> None:
    plan = read({"/files('{id}')/{{kind}}/{broken?beta=true&page=1{&more}": get(ROWS)})
    assert plan.listing.path == "/files('{id}')/{kind}/broken"
    assert plan.listing.query == {"beta": '"true"'}


@pytest.mark.parametrize(
    ("parameter", "field", "kind"),
    [
        (query("page"), "next", "cursor"),
        (query("page", "integer"), "next", "number"),
        (query("starting_after"), "last_id", "cursor"),
        (query("starting_after"), "total", "none"),
    ],
)
def test_pages_when_their_parameter_is_a_text_are_by_cursor(
    read: Any, parameter: Any, field: str, kind: str
) -> None:
    plan = read({"/files": get({"properties": {"data": ROWS, field: TEXT}}, [parameter])})
    assert plan.listing.paging.kind == kind
    shown = "no field of the answer fits `starting_after`, so one request reads it"
    assert any(shown in point for point in plan.undecided) is (kind == "none")


@pytest.mark.parametrize(("name", "place"), [("X-Api-Key", "header"), ("access_token", "query")])
def test_key_when_it_is_a_parameter_alone_signs(read: Any, name: str, place: str) -> None:
    plan = read({"/files": get(ROWS, [{**query(name, place=place), "required": True}])})
    assert (plan.auth.kind, plan.auth.name, plan.auth.place) == ("key", name, place)
    assert plan.settings == []
    assert (
        f"`auth.py`: whether the parameter `{name}` of the list is the key of the account." in plan.undecided
    )


def test_server_when_it_has_names_to_fill_in_is_to_decide(read: Any) -> None:
    plan = read({"/files": get(ROWS)}, servers=[{"url": "https://{portal}.sedge.example"}])
    assert plan.api_url == "https://example.sedge.example"
    assert plan.undecided[0].endswith("the definition has it with portal to be filled in.")


def test_definition_when_its_paths_are_in_other_files_says_so(read: Any) -> None:
    plan = read({"/files": {"$ref": "paths/files.yaml"}})
    assert "`api.py`: the definition is divided into files; give one that has everything." in plan.undecided


def test_yaml_when_it_has_plain_words_keeps_them_as_texts(tmp_path: Path) -> None:
    path = tmp_path / "definition.yaml"
    path.write_text(
        "openapi: 3.0\npaths:\nx: [on, no, =, 12:30, 2026-02-03, 007, 0x1f, 1_000, 1, -1.5, 1e3, true, ~]\n"
        "y: {200: a, yes: b, ? null : c}\nz: {<<: {d: 1}}\n"
    )
    data = read_document(path).data
    texts = ["on", "no", "=", "12:30", "2026-02-03", "007", "0x1f", "1_000"]
    assert data["x"] == [*texts, 1, -1.5, 1000.0, True, None]
    assert (list(data["y"]), data["z"]) == (["200", "yes", "null"], {"d": 1})


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("self", "self_"),
        ("attrs", "attrs_"),
        ("Setting", "setting_"),
        ("class", "class_"),
        ("fileIDs", "file_ids"),
        ("previewURLs", "preview_urls"),
        ("XMLFile", "xml_file"),
        ("isSet", "is_set"),
    ],
)
def test_identifier_when_a_name_has_a_use_already_is_another(given: str, name: str) -> None:
    assert identifier(given) == name


def test_code_when_a_path_is_long_is_formatted(read: Any, tmp_path: Path) -> None:
    names = [f"the_name_of_part_{number}_of_the_path" for number in range(4)]
    needed = [{**query(f"a_parameter_with_a_long_name_{number}"), "required": True} for number in range(3)]
    for number, path in enumerate(["/".join(["", *[f"{{{name}}}" for name in names]]), f"/{'long/' * 15}x"]):
        plan = read({path: get(ROWS, needed)})
        write_distribution(plan, tmp_path / f"made{number}")
        ruff = [sys.executable, "-m", "ruff", "format", "--no-cache", "--diff", "."]
        child = subprocess.run(ruff, cwd=tmp_path / f"made{number}", capture_output=True, text=True)
        assert child.returncode == 0, child.stdout
