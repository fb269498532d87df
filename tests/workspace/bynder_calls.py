"""Which HTTP calls the methods of the client make: each is called, and stopped as it sends."""

from __future__ import annotations

import re
import tempfile
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import attrs
import httpx

from damlink import Content, Secret
from damlink._cli._derived import Parameter, parameters_of
from damlink._cli.bynder import RAW, actions, resources
from damlink.bynder import Portal, SentRequest
from damlink.bynder._action import actions_of
from damlink.errors import DamlinkError

__all__ = ["ActionCall", "MethodCalls", "action_calls", "method_calls"]

HOST: Final = "https://portal"


@attrs.frozen(kw_only=True)
class ActionCall:
    """One published action, what carries it out, and the first call that it makes."""

    action: str
    method: str
    command: str
    http: str


@attrs.frozen(kw_only=True)
class MethodCalls:
    """One method, its command, and the first calls that it makes, by what it is given."""

    method: str
    command: str
    http: tuple[str, ...]


class _SentError(Exception):
    """Carries the request that was about to leave."""


def action_calls() -> Iterator[ActionCall]:
    """Every published action, by its name."""
    with Portal(HOST, httpx.Auth(), on_request=_stop, pace=None) as portal:
        found = [call for resource, kind in resources().items() for call in _calls(portal, resource, kind)]
    yield from sorted(found, key=lambda call: call.action)


def method_calls() -> Iterator[MethodCalls]:
    """Every method that is an action, resource by resource."""
    with Portal(HOST, httpx.Auth(), on_request=_stop, pace=None) as portal:
        for resource, kind in resources().items():
            for name, method in actions(kind):
                bound = getattr(getattr(portal, resource), name)
                http = tuple(dict.fromkeys(_https_of(bound, list(parameters_of(method)))))
                yield MethodCalls(method=f"{resource}.{name}", command=_command(resource, name), http=http)


def _calls(portal: Portal, resource: str, kind: type) -> Iterator[ActionCall]:
    for name, method in actions(kind):
        for action in actions_of(method) or ():
            bound = getattr(getattr(portal, resource), name)
            http = next(_https_of(bound, list(parameters_of(method))))
            command = _command(resource, name)
            yield ActionCall(action=action, method=f"{resource}.{name}", command=command, http=http)


def _command(resource: str, name: str) -> str:
    return RAW if resource == RAW else f"{resource} {name.replace('_', '-')}"


def _stop(request: SentRequest) -> None:
    raise _SentError(f"{request.method} {request.url}")


def _https_of(method: Callable[..., Any], parameters: Sequence[Parameter]) -> Iterator[str]:
    """The calls of a method given all names it takes, or what it must have, or one thing more."""
    required = [parameter for parameter in parameters if parameter.required]
    optional = [each for each in parameters if not each.required]
    names = [each for each in optional if each.kind is str and not each.name.endswith("_url")]
    for more in (names, [], *([parameter] for parameter in optional)):
        try:
            _call(method, [*required, *more])
        except DamlinkError:
            continue
        except _SentError as sent:
            yield _shown(str(sent))


def _call(method: Callable[..., Any], parameters: Sequence[Parameter]) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"x")
        file.flush()
        positional = [_placeholder(each, file.name) for each in parameters if each.positional]
        named = {each.name: _placeholder(each, file.name) for each in parameters if not each.positional}
        answer = method(*positional, **named)
        if isinstance(answer, Iterator):
            next(answer)
        if isinstance(answer, Content):
            next(answer.open())


def _placeholder(parameter: Parameter, path: str) -> Any:
    given = {int: 1, float: 1.0, bool: True, datetime: datetime(2025, 1, 2, tzinfo=UTC), Path: Path(path)}
    given |= {Secret: Secret("x"), bytes: b"x", Sequence: ["x"], Mapping: {"key": "x"}}
    if parameter.kind is Sequence and parameter.of is not str:
        return [given[Mapping]]
    if parameter.kind in given:
        return given[parameter.kind]
    if parameter.name == "method":
        return "METHOD"  # a request refuses what no method can be called
    if parameter.kind is str:
        return f"{{{parameter.name}}}"
    return parameter.of[0] if parameter.of else "x"  # the choices of a literal; anything


def _shown(sent: str) -> str:
    method, _, url = sent.partition(" ")
    path = urllib.parse.unquote(url.removeprefix(HOST).partition("?")[0])
    return f"{method.upper()} {re.sub(r'^/(?={)', '', path)}"
