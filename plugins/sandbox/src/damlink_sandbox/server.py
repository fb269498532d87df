"""Serves every service of every part on a loopback port of its own, in one process and one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from types import TracebackType
from typing import Any

import uvicorn

from damlink_sandbox.bynder.service import BynderSandbox
from damlink_sandbox.control import control_service
from damlink_sandbox.faulty import CuttableProtocol, Faulty
from damlink_sandbox.media import own_media
from damlink_sandbox.mistakes import note_mistakes
from damlink_sandbox.sns.service import SnsSandbox
from damlink_sandbox.world import MediaFile, Part, World

HOST = "127.0.0.1"
_BEHIND_TLS = ("portal", "s3")
PartFactory = Callable[[World], Part]
_OWN_PARTS = (BynderSandbox, SnsSandbox)


def discover_parts(world: World) -> list[Part]:
    """Return the installed partners' parts (entry-point group `damlink.sandbox`), by name."""
    found = sorted(entry_points(group="damlink.sandbox"), key=lambda entry: entry.name)
    return [entry.load()(world) for entry in found]


class Sandbox:
    """A whole local world, served from a daemon thread while its `with` block lasts.

    Args:
        parts: makers of further parts; the portal is always there. `None`: SNS, and all that are installed.
        folder: where bytes are kept; `None`: a temporary one, removed at the end.
        port: the portal's port; s3, sns and control get the next, then each partner's services. 0: free ones.
        seed: of everything that is random.
        media: the files that partners hold; `None`: the sandbox's own, where there is a partner.
        tls: certificate and key file of the portal and its storage, which are then served by https.

    Attributes:
        world: the clock, faults, counts and origins all parts share.
    """

    def __init__(
        self,
        parts: Sequence[PartFactory] | None = None,
        *,
        folder: Path | None = None,
        port: int = 0,
        seed: int = 1,
        media: Sequence[MediaFile] | None = None,
        tls: tuple[str, str] | None = None,
    ) -> None:
        self._closing = contextlib.ExitStack()
        self.world = World(folder or self._temporary_folder(), seed=seed)
        self._port, self._tls = port, tls
        wants_media = parts is None or any(maker not in _OWN_PARTS for maker in parts)
        self.world.media = list(media) if media is not None else own_media() if wants_media else []
        self._parts = {part.name: part for part in self._make_parts(parts)}
        self._servers: list[_PromptServer] = []

    def _temporary_folder(self) -> Path:
        return Path(self._closing.enter_context(tempfile.TemporaryDirectory(prefix="damlink-sandbox-")))

    def _make_parts(self, makers: Sequence[PartFactory] | None) -> Iterator[Part]:
        yield BynderSandbox(self.world)
        if makers is None:
            yield SnsSandbox(self.world)
            yield from discover_parts(self.world)
        else:
            yield from (maker(self.world) for maker in makers if maker is not BynderSandbox)

    @property
    def origins(self) -> Mapping[str, str]:
        """The address of each service, such as `{"portal": "http://127.0.0.1:9000"}`."""
        return self.world.origins

    def part(self, name: str) -> Part:
        """Return the part of this name; the portal's is `bynder`."""
        return self._parts[name]

    @property
    def parts(self) -> Mapping[str, Part]:
        """All parts by name, the portal's first."""
        return self._parts

    def furnish(self) -> None:
        """Let each part put in place what its connector works with, such as tagged assets in the portal.

        Call it within the `with` block, once.
        """
        for part in self._parts.values():
            if prepare := getattr(part, "furnish", None):
                prepare(self._parts)

    def __enter__(self) -> Sandbox:
        try:
            self._start()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()

    def _start(self) -> None:
        services = self._services()
        # Every port is bound before a server starts: each part can name the others' addresses.
        sockets = [self._bound(number) for number in range(len(services))]
        for (name, app), bound in zip(services.items(), sockets, strict=True):
            tls = self._tls if name in _BEHIND_TLS else None
            self.world.origins[name] = f"{'https' if tls else 'http'}://{HOST}:{bound.getsockname()[1]}"
            self._servers.append(_PromptServer(_config(app, tls)))
        ready = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(self._run(sockets, ready)), daemon=True)
        thread.start()
        self._closing.callback(self._stop, thread)
        ready.wait()
        if not all(server.started for server in self._servers):
            raise RuntimeError("the sandbox did not start; the log says why")

    def _services(self) -> dict[str, Any]:
        own = [part for part in self._parts.values() if isinstance(part, _OWN_PARTS)]
        partners = [part for part in self._parts.values() if part not in own]
        control = {"control": control_service(self.world, self._parts)}
        # The order decides the ports. `control` never fails: tests script the failures with it.
        return {**self._faulty(self._apps(own)), **control, **self._faulty(self._noted(partners))}

    def _apps(self, parts: Iterable[Part]) -> dict[str, Any]:
        return {name: app for part in parts for name, app in part.services().items()}

    def _noted(self, parts: Iterable[Part]) -> dict[str, Any]:
        return {name: note_mistakes(app, self.world, name) for name, app in self._apps(parts).items()}

    def _faulty(self, apps: Mapping[str, Any]) -> dict[str, Any]:
        return {name: Faulty(app, self.world, name) for name, app in apps.items()}

    def _bound(self, number: int) -> socket.socket:
        address = (HOST, self._port + number if self._port else 0)
        try:
            bound = socket.create_server(address, backlog=512)
        except OSError as error:
            raise OSError(error.errno, f"port {address[1]}: {os.strerror(error.errno or 0)}") from error
        # asyncio does so itself only where a socket names its protocol; accepted ones inherit it
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._closing.enter_context(contextlib.closing(bound))

    async def _run(self, sockets: Sequence[socket.socket], ready: threading.Event) -> None:
        tasks = [
            asyncio.create_task(server.serve([bound]))
            for server, bound in zip(self._servers, sockets, strict=True)
        ]
        # A server that cannot start ends its task, and will never be `started`.
        while not all(server.started for server in self._servers) and not any(map(asyncio.Task.done, tasks)):
            await asyncio.sleep(0.002)
        ready.set()
        await asyncio.gather(*tasks)

    def _stop(self, thread: threading.Thread) -> None:
        for server in self._servers:
            server.stop()
        thread.join(timeout=10)


def wait_for_signal() -> None:
    """Wait until SIGINT or SIGTERM."""
    stop = threading.Event()
    earlier = {number: signal.signal(number, lambda *_: stop.set()) for number in _SIGNALS}
    try:
        stop.wait()
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


class _PromptServer(uvicorn.Server):
    """Server that ends at once: uvicorn looks every 0.1 s whether to end, and pauses once more then.

    The tests start and stop hundreds of sandboxes.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ending = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """End the server, from any thread."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._ending.set)

    async def main_loop(self) -> None:
        """Refresh the headers until the end."""
        self._loop = asyncio.get_running_loop()
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), 1.0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listeners; only open connections need uvicorn's way."""
        if self.server_state.connections:
            await super().shutdown(sockets)
        for server in self.servers:
            server.close()
        for bound in sockets or []:
            bound.close()


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _config(app: Any, tls: tuple[str, str] | None) -> uvicorn.Config:
    certificate, key = tls or (None, None)
    return uvicorn.Config(
        app,
        http=CuttableProtocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        # Answers are dated by the sandbox's own clock.
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
