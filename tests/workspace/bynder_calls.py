"""Which HTTP call each published action makes: its method is called, and stopped as it sends."""

from __future__ import annotations

import inspect
import re
import tempfile
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import httpx

from damlink import Secret
from damlink._cli._derived import Parameter, parameters_of
from damlink._cli.bynder import RAW, actions, resources
from damlink.bynder import Portal, SentRequest
from damlink.bynder._action import actions_of
from damlink.errors import BynderError

__all__ = ["ActionCall", "action_calls"]

HOST: Final = "https://portal"


@attrs.frozen(kw_only=True)
class ActionCall:
    """One published action, what carries it out, and the first call that it makes."""

    action: str
    method: str
    command: str
    http: str


class _SentError(Exception):
    """Carries the request that was about to leave."""


def action_calls() -> Iterator[ActionCall]:
    """Every published action, by its name."""
    with Portal(HOST, httpx.Auth(), on_request=_stop) as portal:
        found = [call for resource, kind in resources().items() for call in _calls(portal, resource, kind)]
    yield from sorted(found, key=lambda call: call.action)


def _calls(portal: Portal, resource: str, kind: type) -> Iterator[ActionCall]:
    for name, method in actions(kind):
        for action in actions_of(method) or ():
            command = RAW if resource == RAW else f"{resource} {name.replace('_', '-')}"
            bound = getattr(getattr(portal, resource), name)
            http = _http_of(bound, list(parameters_of(method)))
            yield ActionCall(action=action, method=f"{resource}.{name}", command=command, http=http)


def _stop(request: SentRequest) -> None:
    raise _SentError(f"{request.method} {request.url}")


def _http_of(method: Callable[..., Any], parameters: Sequence[Parameter]) -> str:
    """The call of a method given all names it takes, or what it must have, or a choice where it wants one."""
    required = [parameter for parameter in parameters if parameter.required]
    optional = [each for each in parameters if each.kind is str and not each.required]
    names = [each for each in optional if not each.name.endswith("_url")]
    for more in (names, [], *([parameter] for parameter in parameters if not parameter.required)):
        try:
            _call(method, [*required, *more])
        except BynderError:
            continue
        except _SentError as sent:
            return _shown(str(sent))
    raise SystemExit(f"{method} makes no call")


def _call(method: Callable[..., Any], parameters: Sequence[Parameter]) -> None:
    with tempfile.NamedTemporaryFile() as file:
        positional = [_placeholder(each, file.name) for each in parameters if each.positional]
        named = {each.name: _placeholder(each, file.name) for each in parameters if not each.positional}
        answer = method(*positional, **named)
        if inspect.isgenerator(answer):
            next(answer)


def _placeholder(parameter: Parameter, path: str) -> Any:
    given = {int: 1, Path: Path(path), Secret: Secret("x"), Sequence: ["x"], Mapping: {"key": "x"}}
    if parameter.kind in given:
        return given[parameter.kind]
    if parameter.name == "method":
        return "METHOD"  # a request refuses what no method can be called
    return f"{{{parameter.name}}}" if parameter.kind is str else parameter.of[0]


def _shown(sent: str) -> str:
    method, _, url = sent.partition(" ")
    path = urllib.parse.unquote(url.removeprefix(HOST).partition("?")[0])
    return f"{method.upper()} {re.sub(r'^/(?={)', '', path)}"
