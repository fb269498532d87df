"""Which method of the client carries out each operation that Bynder publishes, and the page that shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
from workspace.bynder_calls import MethodCalls, method_calls
from workspace.published import Operation, read_inventory

from damlink._cli._derived import summary_of
from damlink._cli.bynder import actions, resources
from damlink.bynder._rights import rights_of

__all__ = ["ELSEWHERE", "Elsewhere", "Row", "calls_file", "operations_page", "rows_of"]


@attrs.frozen
class Elsewhere:
    """How an operation is carried out that no method of a resource calls at its published path.

    Attributes:
        methods: of resources, or of `Portal` and the classes that sign in.
        commands: below `damlink bynder PORTAL`, or whole.
        why: the reason.
    """

    methods: tuple[str, ...]
    commands: tuple[str, ...]
    why: str


# Calls that a method makes after its first one.
LATER: Final[Mapping[str, tuple[str, ...]]] = {
    "metaproperties.ensure": (
        "POST /api/v4/metaproperties/",
        "POST /api/v4/metaproperties/{id}/options/",
    ),
    "profiles.own": ("GET /api/v4/profiles/{id}",),
    "uploads.file": ("POST /api/v4/media/save/{import_id}/", "POST /api/v4/media/{id}/save/{import_id}/"),
}
_SIGN_IN: Final = "part of signing in"
ELSEWHERE: Final[Mapping[str, Elsewhere]] = {
    "GET /v6/authentication/oauth2/auth": Elsewhere(
        ("OAuth2",), ("damlink login PORTAL",), f"{_SIGN_IN}: a person opens it in a browser"
    ),
    "POST /v6/authentication/oauth2/token": Elsewhere(
        ("Portal.with_client_credentials", "OAuth2"),
        ("damlink login PORTAL",),
        f"{_SIGN_IN}: sent by itself whenever a token is needed",
    ),
    "POST /api/v4/upload/{id}": Elsewhere(
        ("uploads.register", "uploads.finalise"),
        ("uploads register", "uploads finalise"),
        "the id goes in the form, as in Bynder's own SDKs",
    ),
    "POST /v7/webhooks/public/api/subscriptions/{id}": Elsewhere(
        ("webhooks.create",), ("webhooks create",), "sent without the id, which only the answer can tell"
    ),
}


@attrs.frozen(kw_only=True)
class Row:
    """One operation of the inventory, and what carries it out."""

    operation: str
    methods: tuple[str, ...]
    commands: tuple[str, ...]
    scope: str
    roles: tuple[str, ...]
    remark: str = ""


def rows_of(inventory: list[dict[str, Any]]) -> Iterator[Row]:
    """A row for each operation; without a method where the client has none."""
    operations = [Operation(each["method"], each["path"]) for each in inventory]
    made = _carried_out(operations)
    for operation in operations:
        name, other = str(operation), ELSEWHERE.get(str(operation), Elsewhere((), (), ""))
        found, rights = made.get(name, []), rights_of(operation.method, operation.path)
        yield Row(
            operation=name,
            methods=tuple(each.method for each in found) or other.methods,
            commands=tuple(each.command for each in found) or other.commands,
            scope=rights.scope,
            roles=rights.roles,
            remark=other.why,
        )


def _carried_out(operations: list[Operation]) -> dict[str, list[MethodCalls]]:
    """The methods of each operation; of several that a call fits, the one with the fewest names is it."""
    made: dict[str, list[MethodCalls]] = {}
    for method in method_calls():
        for http in method.http:
            fitting = [each for each in operations if each.matches(*http.split(" ", 1))]
            if fitting:
                operation = min(fitting, key=lambda each: each.path.count("{"))
                made.setdefault(str(operation), []).append(method)
    return made


def calls_file() -> str:
    """The calls of each method, as the client keeps them."""
    lines = []
    for each in method_calls():
        calls = dict.fromkeys((*each.http, *LATER.get(each.method, ())))
        lines.append(f"  {json.dumps(each.method)}: {json.dumps([*calls])}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def operations_page() -> Iterator[str]:
    """The page of the reference."""
    rows = list(rows_of(read_inventory()))
    covered = sum(bool(row.methods) for row in rows)
    yield "# Bynder's operations\n"
    yield (
        f"Bynder's published definitions have {len(rows)} operations, and {covered} of them have a method in "
        "`damlink.bynder.Portal`, such as `portal.assets.get`. Each method is a command below "
        "`damlink bynder PORTAL`; see [Bynder's API](bynder.md). A test fails if an operation has no method; "
        "another calls every method with every argument, sends every published parameter, and compares "
        "requests and answers with the definitions (see [Deviations](deviations.md)).\n"
    )
    yield (
        "The scope is that of the token, the role that of its user; `-` where Bynder publishes none. Of "
        "several roles one is enough.\n"
    )
    yield from _table(rows)
    yield "## Resources\n"
    yield "| attribute of a portal | what it is | methods |"
    yield "| --- | --- | --- |"
    for name, kind in resources().items():
        methods = ", ".join(f"`{method}`" for method, _ in actions(kind))
        yield f"| `{name}` | {summary_of(kind)} | {methods} |"
    yield ""
    yield "## Carried out otherwise\n"
    yield from (f"- `{row.operation}`: {row.remark}." for row in rows if row.remark)


def _table(rows: list[Row]) -> Iterator[str]:
    yield "| operation | method | command | scope | role |"
    yield "| --- | --- | --- | --- | --- |"
    for row in rows:
        cells = (_codes(row.methods), _codes(row.commands), _codes((row.scope,)), _codes(row.roles, " or "))
        yield f"| `{row.operation}` | {' | '.join(cells)} |"
    yield ""


def _codes(names: tuple[str, ...], between: str = ", ") -> str:
    return between.join(f"`{name}`" for name in names if name) or "-"
