"""Base of a partner's stand-in: a class with one method for each call that it answers."""

from __future__ import annotations

import json
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import attrs
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from damlink_sandbox.application import Endpoint, Refusal, application
from damlink_sandbox.call import Call
from damlink_sandbox.credentials import Credentials, NoCredentials
from damlink_sandbox.rate_limit import RateLimit
from damlink_sandbox.world import World

__all__ = ["StandIn", "refuse", "route"]

_ROUTE = "_damlink_sandbox_route"
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


@attrs.frozen
class _Mark:
    line: str
    is_open: bool
    to_disk: bool


F = TypeVar("F", bound=Callable[..., Any])


def route(
    line: str,
    *,
    open: bool = False,  # noqa: A002 - as in `router`
    to_disk: bool = False,
) -> Callable[[F], F]:
    """Mark a method of a `StandIn` as the answer to calls such as `"GET /pictures/{id}"`.

    The method takes the `Call` and returns JSON data, or a Starlette `Response`; it raises a `Refusal` to
    answer anything else.

    Args:
        open: answered without credentials.
        to_disk: the body is a large file: it is written to `call.path`, and never held in memory.
    """

    def mark(function: F) -> F:
        setattr(function, _ROUTE, _Mark(line, open, to_disk))
        return function

    return mark


def refuse(status: int, message: str, **more: Any) -> Refusal:
    """Return a refusal with a JSON body of `error` and what else is given; raise it."""
    return Refusal(JSONResponse({"error": message, **more}, status))


class StandIn:
    """Stand-in of one partner, with one service. A subclass has a method for each `route`.

    ```python
    class AcmeSandbox(StandIn):
        name = "acme"
        credentials = Key("X-Acme-Key")

        @route("GET /pictures")
        def pictures(self, call: Call) -> Any:
            rows = [{"id": f"A-{number}", "title": file.filename} for number, file in enumerate(self.media)]
            return numbered_page(call.query, rows, size=3)
    ```

    Calls are answered one at a time, each in a thread: a method may change attributes without a lock.

    Attributes:
        name: of the plugin, the part and the service.
        credentials: what a call must show; see `damlink_sandbox.credentials`.
        limit: how many requests are answered in a time; the rest are answered 429.
    """

    name: str
    credentials: Credentials = NoCredentials()
    limit: RateLimit | None = None

    def __init__(self, world: World) -> None:
        self.world = world
        self.media = world.media
        self._lock = threading.RLock()
        # A secret that two stand-ins of one class share would survive a revocation.
        self.credentials = self.credentials.copy_for(world.clock, self.name)

    # --- what the sandbox asks for -----------------------------------------------------------------

    def services(self) -> Mapping[str, Any]:
        """Return the only service, by the stand-in's name."""
        return {self.name: application(dict(self._endpoints()))}

    def state(self) -> Any:
        """Return the contents for tests to compare; by default nothing."""
        return {}

    def control(self, action: str, body: Mapping[str, Any]) -> Any:  # noqa: ARG002 - for subclasses
        """Run an action; by default there is only `revoke`, which refuses the credentials from then on."""
        if action != "revoke":
            raise KeyError(action)
        self.credentials.revoke()
        return {}

    def connector(self) -> Mapping[str, Any]:
        """Return the connector's table: `api_url`, the settings of the credentials, and `settings()`."""
        shown = self.credentials.settings(self.origin)
        return {"plugin": self.name, "api_url": self.origin, **shown, **self.settings()}

    def secrets(self) -> Iterable[str]:
        """Return the names of the secret settings: by default those of the credentials."""
        return self.credentials.secrets()

    # --- what a subclass uses ----------------------------------------------------------------------

    def settings(self) -> Mapping[str, Any]:
        """Return further settings of the connector."""
        return {}

    @property
    def origin(self) -> str:
        """The address of the service, such as `http://127.0.0.1:9000`."""
        return self.world.origins[self.name]

    # --- HTTP --------------------------------------------------------------------------------------

    def _endpoints(self) -> Iterator[tuple[str, Endpoint]]:
        own = {name: each for kind in type(self).__mro__[::-1] for name, each in vars(kind).items()}
        for name, function in own.items():
            if mark := getattr(function, _ROUTE, None):
                receive = self._receive_on_disk if mark.to_disk else self._receive
                yield mark.line, partial(receive, getattr(self, name), mark.is_open)
        for line, handler in self.credentials.routes().items():
            yield line, partial(self._receive, handler, True)

    async def _receive_on_disk(
        self, handler: Callable[[Call], Any], is_open: bool, request: Request
    ) -> Response:
        with tempfile.NamedTemporaryFile(dir=self.world.folder, prefix="body-", delete=False) as file:
            path = Path(file.name)
            try:
                async for piece in request.stream():
                    file.write(piece)
                file.flush()
                call = attrs.evolve(_call(request, b"", {}), path=path)
                return await run_in_threadpool(self._answer, handler, is_open, call)
            finally:
                path.unlink(missing_ok=True)

    async def _receive(self, handler: Callable[[Call], Any], is_open: bool, request: Request) -> Response:
        if not request.headers.get("content-type", "").startswith(_FORMS):
            # Not `request.body()`: it keeps the bytes until the garbage collector finds the request.
            body = b"".join([piece async for piece in request.stream()])
            return await run_in_threadpool(
                self._answer, handler, is_open, _call(request, body, _object(body))
            )
        # Answered within the block, which closes the files of the form at its end.
        async with request.form() as form:
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            files = {name: value for name, value in form.items() if isinstance(value, UploadFile)}
            call = _call(request, b"", fields, files)
            return await run_in_threadpool(self._answer, handler, is_open, call)

    def _answer(self, handler: Callable[[Call], Any], is_open: bool, call: Call) -> Response:
        with self._lock:
            if self.limit is not None:
                self.limit.verify(self.world.clock.seconds())
            if not is_open:
                self.credentials.verify(call)
            result = handler(call)
        return result if isinstance(result, Response) else JSONResponse(result)


def _call(
    request: Request, body: bytes, fields: Mapping[str, Any], files: Mapping[str, UploadFile] | None = None
) -> Call:
    url, query = str(request.url), dict(request.query_params)
    return Call(request.method, url, request.path_params, query, request.headers, body, fields, files or {})


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        read = json.loads(body or b"{}")
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
