"""A portal that answers as published has no drift; one whose answers changed is told field by field."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image

from damlink.bynder import DriftChange, Portal, SentRequest
from damlink.bynder._drift import load_answers
from damlink.errors import BynderAuthError, TransientError
from damlink_sandbox import Fault, Sandbox


@pytest.fixture
def strike(sandbox: Sandbox) -> Iterator[Callable[..., None]]:
    """Has the portal answer otherwise from now on."""
    yield lambda match, **how: sandbox.world.faults.add(Fault("portal", match, times=0, **how))
    sandbox.world.faults.clear()


@pytest.fixture
def filled(portal: Portal, control: Callable[..., Any]) -> Portal:
    """The portal with some records; only a picture has some of the fields."""
    data = io.BytesIO()
    Image.new("RGB", (160, 90), "teal").save(data, "JPEG")
    control("add_asset", base64=base64.b64encode(data.getvalue()).decode(), filename="beach.jpg")
    control("add_asset", name="Dune", filename="dune.jpg", size=2000)
    control("add_job", preset=control("add_preset")["id"])
    return portal


def changed(portal: Portal, path: str, **fields: Any) -> str:
    """The answer of a list with fields in its first record changed; `None` takes one out."""
    first, *_ = portal.raw.request("GET", path).body
    return json.dumps([{name: value for name, value in (first | fields).items() if value is not None}])


def test_drift_when_the_portal_is_as_published_is_none(filled: Portal) -> None:
    found = filled.drift()
    assert (found.changes, found.failed) == ((), ())
    assert {*found.compared, *found.not_compared} == load_answers().keys()
    assert len(found.compared) > 50


def test_drift_when_asked_for_only_reads(filled: Portal, sandbox: Sandbox) -> None:
    asked: list[SentRequest] = []
    token = sandbox.part("bynder").connector()["token"]
    with Portal.with_token(filled.url, token, pace=None, on_request=asked.append) as portal:
        portal.drift()
    assert {request.method for request in asked} == {"GET"}
    downloads = re.compile(r"/media/.*/download")
    assert [request.url for request in asked if downloads.search(request.url)] == []


def test_drift_when_an_answer_changed_names_its_fields(filled: Portal, strike: Callable[..., None]) -> None:
    body = changed(filled, "/api/v4/users/", email=None, active="yes", mood=["good"])
    strike("^GET /api/v4/users/$", status=200, body=body)
    operation = "GET /api/v4/users/"
    assert filled.drift().changes == (
        DriftChange(operation, "[].active", "type", "was number, is text"),
        DriftChange(operation, "[].email", "gone", "was text"),
        DriftChange(operation, "[].mood", "new", "list"),
    )


@pytest.mark.parametrize("status", [404, 405, 410])
def test_drift_when_the_portal_lacks_an_operation_names_it(
    filled: Portal, strike: Callable[..., None], status: int
) -> None:
    strike("^GET /api/v4/smartfilters$", status=status, body='{"message": "no"}')
    change = DriftChange("GET /api/v4/smartfilters", "", "gone", f"the portal answered {status}")
    assert filled.drift().changes == (change,)


def test_drift_when_an_answer_is_no_json_names_the_operation(
    filled: Portal, strike: Callable[..., None]
) -> None:
    strike("^GET /api/v4/brands/$", status=200, body="<html>")
    detail = "was list, is no JSON"
    assert filled.drift().changes == (DriftChange("GET /api/v4/brands/", "", "type", detail),)


@pytest.mark.parametrize(("status", "failed"), [(403, ()), (500, ("GET /api/v4/smartfilters",))])
def test_drift_when_an_operation_is_refused_or_fails_compares_the_others(
    filled: Portal, strike: Callable[..., None], status: int, failed: tuple[str, ...]
) -> None:
    strike("^GET /api/v4/smartfilters$", status=status, body='{"message": "no"}')
    found = filled.drift()
    assert (found.changes, found.failed) == ((), failed)
    assert str(status) in found.not_compared["GET /api/v4/smartfilters"]


def test_drift_when_everything_is_refused_raises_the_refusal(
    filled: Portal, strike: Callable[..., None]
) -> None:
    strike("", status=403, body='{"message": "no"}')
    with pytest.raises(BynderAuthError):
        filled.drift()


def test_drift_when_the_portal_cannot_be_reached_raises_at_once(
    filled: Portal, strike: Callable[..., None], sandbox: Sandbox
) -> None:
    strike("", kind="cut")
    with pytest.raises(TransientError):
        filled.drift()
