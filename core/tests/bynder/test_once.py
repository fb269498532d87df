"""Every request to the portal that must not be repeated, and every answer that cannot be believed."""

from __future__ import annotations

import ast
import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import damlink
from damlink import Portal, Secret
from damlink.errors import BynderError, NotYet, TransientError, UnclearError
from damlink_sandbox.garbage import GARBAGE, garble
from damlink_sandbox.router import Answer

CLOSING = {"target_id": "t", "s3_filename": "s", "chunks": 1}
SAVED = {"mediaid": "M-1", "batchId": "B", "success": True, "mediaitems": None}
USER = {"email": "a@b.example", "password": Secret("p"), "first_name": "A", "last_name": "B"}


@attrs.frozen
class Act:
    """One such request, and what the portal answers to it when all is well, as published."""

    call: Callable[[Portal], Any]
    body: Any
    status: int = 201
    location: str = ""

    def answer(self) -> Answer:
        """The published answer."""
        body = b"" if self.body is None else json.dumps(self.body).encode()
        return Answer(self.status, body, headers={"Location": self.location} if self.location else {})


ACTS = {
    "Access.add": Act(
        lambda at: at.access.add("m", users=["u"]), [{"principalId": "u", "principalType": "user"}]
    ),
    "Automation.create": Act(lambda at: at.automation.create(name="n"), {"id": "R-1"}, status=200),
    "Campaigns.create": Act(lambda at: at.campaigns.create(name="n", key="ABCD"), {"id": "0" * 32}),
    "Collections.create": Act(
        lambda at: at.collections.create(name="n"),
        {"message": "Created", "statuscode": 201},
        location="/api/v4/collections/C-1/",
    ),
    "Collections.share": Act(
        lambda at: at.collections.share("c", collection_options="view", recipients=["a@b.example"]),
        {"message": "accepted", "statuscode": 202},
        status=202,
    ),
    "Dependencies.create_group": Act(
        lambda at: at.dependencies.create_group("m", option_id="o", dependency_ids=["d"]),
        {"message": "Created", "statuscode": 201, "id": "G-1"},
    ),
    "FilesService.finalise": Act(lambda at: at.files.finalise("f", filename="a.jpg", size=1, chunks=1), None),
    "Jobs.create": Act(
        lambda at: at.jobs.create(name="n", campaign_id="c", accountable_id="u"),
        {"status": "Created", "job_id": "J-1"},
    ),
    "Jobs.finish": Act(lambda at: at.jobs.finish("j"), {"status": "Finished", "job_id": "J-1"}, status=200),
    "Jobs.upload": Act(
        lambda at: at.jobs.upload("j", file_id="f", name="a.jpg", size=1), {"mediaId": "0" * 32}, status=200
    ),
    "Metaproperties.create": Act(
        lambda at: at.metaproperties.create(name="n"), {"message": "Created", "statuscode": 201, "id": "M-1"}
    ),
    "Uploads.finalise": Act(
        lambda at: at.uploads.finalise("u", **CLOSING), {"importId": "I-1", "success": 1}, status=202
    ),
    "Uploads.finalise_additional": Act(
        lambda at: at.uploads.finalise_additional("u", asset_id="a", **CLOSING), SAVED
    ),
    "Uploads.save": Act(lambda at: at.uploads.save("i", name="n"), SAVED),
    "Uploads.save_additional": Act(lambda at: at.uploads.save_additional("a", file_id="f"), {"itemId": "I"}),
    "Uploads.save_version": Act(lambda at: at.uploads.save_version("a", import_id="i"), SAVED),
    "Usages.create": Act(
        lambda at: at.usage.create(integration_id="i", asset_id="a"), {"id": "U-1"}, status=200
    ),
    "Users.create": Act(
        lambda at: at.users.create(profile_id="p", **USER), {"id": "U-1", "username": "a@b.example"}
    ),
    "Webhooks.create": Act(
        lambda at: at.webhooks.create(name="n", endpoint="e", events=["x"]), {"id": "W-1"}
    ),
    "Workflow.create_group": Act(
        lambda at: at.workflow.create_group(name="n", user_ids=["u"]), {"ID": "G-1"}, status=200
    ),
}
GATEWAY = "<!DOCTYPE html><html>Please wait</html>"
GATEWAYS = [
    Answer(status, body.encode(), "text/html")
    for status in (302, 304, 400, 401, 403, 404, 405, 408, 409, 413, 425, 500, 502, 503, 504)
    for body in (GATEWAY, "")
]
EMPTY_OR_JSON = ("empty", "half", "other-type", "object", "null-id", "not-utf8", "broken-encoding")
# What still says all that it must: the address of a collection stands in a header, to share and to finish
# bring no id, no field of the answer to a new group is published, and the files service answers with nothing.
STILL_CLEAR = {
    *((name, "other-type") for name in ACTS),
    *(("Collections.create", kind) for kind in GARBAGE if kind not in ("broken-encoding", "too-short")),
    ("Collections.share", "null-id"),
    ("Jobs.finish", "null-id"),
    *(("Workflow.create_group", kind) for kind in ("object", "null-id", "not-utf8")),
    *(("FilesService.finalise", kind) for kind in EMPTY_OR_JSON),
}
GATED = [
    pytest.param(name, answer, id=f"{name}-{answer.status}-{'page' if answer.body else 'empty'}")
    for name in ACTS
    for answer in GATEWAYS
    # An empty 400 is how the files service refuses, as published.
    if (name, answer.status, answer.body) != ("FilesService.finalise", 400, b"")
]
GARBLED = [(name, kind) for name in ACTS for kind in GARBAGE]


def scripted(server: Any, answer: Answer) -> None:
    """Have the server answer so, whatever it is asked."""
    missing = max(0, answer.size - len(answer.body))
    body, cut = answer.body + b" " * missing, len(answer.body) if missing else None
    server.always(answer.status, body, headers={"Content-Type": answer.media_type, **answer.headers}, cut=cut)


@pytest.mark.parametrize("name", ACTS)
def test_answer_when_as_published_is_done(served: Portal, server: Any, name: str) -> None:
    scripted(server, ACTS[name].answer())
    ACTS[name].call(served)
    assert len(server.asked) == 1


@pytest.mark.parametrize(("name", "kind"), sorted({*GARBLED} - STILL_CLEAR))
def test_success_when_garbled_is_unclear_and_sent_once(
    served: Portal, server: Any, name: str, kind: str
) -> None:
    scripted(server, garble(kind, ACTS[name].answer()))
    with pytest.raises(UnclearError):
        ACTS[name].call(served)
    assert len(server.asked) == 1


@pytest.mark.parametrize(("name", "kind"), sorted(STILL_CLEAR))
def test_success_when_garbled_where_it_does_not_matter_is_done(
    served: Portal, server: Any, name: str, kind: str
) -> None:
    scripted(server, garble(kind, ACTS[name].answer()))
    ACTS[name].call(served)
    assert len(server.asked) == 1


@pytest.mark.parametrize(("name", "answer"), GATED)
def test_gateway_when_it_answers_in_the_portals_name_is_unclear(
    served: Portal, server: Any, name: str, answer: Answer
) -> None:
    scripted(server, answer)
    with pytest.raises(UnclearError):
        ACTS[name].call(served)
    assert len(server.asked) == 1


@pytest.mark.parametrize("name", ACTS)
@pytest.mark.parametrize("status", [400, 403, 404])
def test_portal_when_it_refuses_in_its_own_form_has_not_done_it(
    served: Portal, server: Any, name: str, status: int
) -> None:
    server.always(status, b'{"message": "no", "statuscode": "%d"}' % status)
    with pytest.raises(BynderError, match="no"):
        ACTS[name].call(served)
    assert len(server.asked) == 1


@pytest.mark.parametrize("name", ACTS)
def test_portal_when_it_asks_for_the_same_again_gets_it(served: Portal, server: Any, name: str) -> None:
    again = Answer(500, b'{"message": "Upload not ready", "retry": 1, "success": false}')
    server.then(again.status, again.body).then(429)
    scripted(server, ACTS[name].answer())
    ACTS[name].call(served)
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [400, 401, 403])
def test_refusal_when_in_another_published_form_is_one(served: Portal, server: Any, status: int) -> None:
    forms = {400: b'{"asset_id": "missing"}', 401: b"Invalid or expired token.\n", 403: b"{}"}
    server.always(status, forms[status])
    with pytest.raises(BynderError):
        served.usage.create(integration_id="i", asset_id="a")


@pytest.mark.parametrize("name", ["Uploads.save", "Uploads.save_version", "Uploads.save_additional"])
def test_save_when_the_portal_says_that_it_converts_waits(served: Portal, server: Any, name: str) -> None:
    server.always(303, b'{"message": "Import not converted yet, please poll", "statuscode": "303"}')
    with pytest.raises(NotYet):
        ACTS[name].call(served)


@pytest.mark.parametrize("body", [GATEWAY.encode(), b"", b"{}"], ids=["page", "empty", "object"])
def test_save_when_a_303_does_not_say_so_is_unclear(served: Portal, server: Any, body: bytes) -> None:
    server.always(303, body)
    with pytest.raises(UnclearError):
        served.uploads.save("i")


@pytest.mark.parametrize("name", ACTS)
def test_request_when_nobody_listens_has_not_been_sent(hurried: None, name: str) -> None:
    with Portal("http://127.0.0.1:1", Secret("t"), pace=None) as portal, pytest.raises(TransientError):
        ACTS[name].call(portal)


# --- none is left out ------------------------------------------------------------------------------

_ONCE = {"post_once", "send_once"}
_THE_MECHANISM = {"post_once", "Uploads._send_save", "Saver.begin"}
_SENDS = {"post", "patch", "request", "send", "build_request"}


def _calls() -> Iterator[tuple[str, ast.Call]]:
    """Yield every call of the client and the upload, with the name of the function that it stands in."""
    root = Path(inspect.getfile(damlink)).parent
    for path in sorted([*root.glob("bynder/**/*.py"), *root.glob("_upload/*.py")]):
        yield from _calls_in(ast.parse(path.read_text("utf-8")), "")


def _calls_in(node: ast.AST, inside: str) -> Iterator[tuple[str, ast.Call]]:
    for child in ast.iter_child_nodes(node):
        named = isinstance(child, ast.ClassDef | ast.FunctionDef) and inside.count(".") < 1
        name = f"{inside}.{child.name}".lstrip(".") if named else inside
        if isinstance(child, ast.Call):
            yield inside, child
        yield from _calls_in(child, name)


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _is_repeatable(call: ast.Call) -> bool:
    words = ast.unparse(call)
    return any(mark in words for mark in ("idempotent=True", "IDEMPOTENT: True", "'DELETE'", "'GET'"))


def test_matrix_when_a_request_is_added_must_have_it() -> None:
    once = {name for name, call in _calls() if _called(call) in {*_ONCE, "_send_save"}} - _THE_MECHANISM
    assert once == set(ACTS)


def test_post_when_it_is_not_idempotent_goes_by_the_mechanism() -> None:
    clients = ("self._client", "self._s3", "client")
    others = {
        name
        for name, call in _calls()
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in _SENDS
        and ast.unparse(call.func.value) in clients
        and not _is_repeatable(call)
    }
    # `raw` sends what a person says; `send_again` sends what was built as repeatable.
    assert others == {"Raw.request", "send_again"}
