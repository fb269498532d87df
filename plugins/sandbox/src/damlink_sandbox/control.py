"""The control service: control of the world and its parts by tests, as JSON over HTTP."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

import attrs

from damlink_sandbox.router import Answer, Call, Refusal, Router, Routes, json_answer
from damlink_sandbox.world import Fault, Part, World


@attrs.frozen
class Controlled:
    """State of the control service."""

    world: World
    parts: Mapping[str, Part]


routes: Routes[Controlled] = Routes()


def control_service(world: World, parts: Mapping[str, Part]) -> Router[Controlled]:
    """Return the ASGI application of the control API."""
    return Router(Controlled(world, parts), routes.all, lock=contextlib.nullcontext(), unknown=_unknown)


@routes.add("GET /state")
def _state(held: Controlled, _call: Call) -> Answer:
    return json_answer(200, {name: part.state() for name, part in held.parts.items()})


@routes.add("GET /counts")
def _counts(held: Controlled, _call: Call) -> Answer:
    return json_answer(200, held.world.counts.as_dict())


@routes.add("GET /origins")
def _origins(held: Controlled, _call: Call) -> Answer:
    return json_answer(200, held.world.origins)


@routes.add("GET /faults")
def _faults(held: Controlled, _call: Call) -> Answer:
    return json_answer(200, held.world.faults.listing())


@routes.add("POST /faults")
def _add_fault(held: Controlled, call: Call) -> Answer:
    try:
        held.world.faults.add(Fault(**_body(call)))
    except (TypeError, ValueError) as error:
        raise Refusal(json_answer(400, {"error": str(error)})) from error
    return json_answer(201, held.world.faults.listing())


@routes.add("DELETE /faults")
def _clear_faults(held: Controlled, _call: Call) -> Answer:
    held.world.faults.clear()
    return json_answer(200, [])


@routes.add("POST /clock")
def _clock(held: Controlled, call: Call) -> Answer:
    held.world.clock.advance(float(_body(call)["advance"]))
    return json_answer(200, {"now": held.world.clock.now().isoformat()})


@routes.add("GET /pace")
@routes.add("POST /pace")
def _pace(held: Controlled, call: Call) -> Answer:
    return _act(held, "bynder", "pace", _body(call))


@routes.add("POST /control/{part}/{action}")
def _control(held: Controlled, call: Call) -> Answer:
    return _act(held, call.params["part"], call.params["action"], _body(call))


def _act(held: Controlled, part: str, action: str, body: Mapping[str, Any]) -> Answer:
    try:
        return json_answer(200, held.parts[part].control(action, body))
    except KeyError as error:
        raise Refusal(json_answer(404, {"error": f"unknown: {error}"})) from error
    except (TypeError, ValueError) as error:
        raise Refusal(json_answer(400, {"error": str(error)})) from error


def _body(call: Call) -> dict[str, Any]:
    try:
        body = json.loads(call.body or b"{}")
    except ValueError as error:
        raise Refusal(json_answer(400, {"error": "not JSON"})) from error
    return dict(body)


def _unknown(call: Call) -> Answer:
    return json_answer(404, {"error": f"unknown: {call.method} {call.path}"})
