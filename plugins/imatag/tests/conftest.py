"""Small real pictures, a sandbox that a module shares, and a connector with a portal of its own."""

from __future__ import annotations

import base64
import contextlib
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from damlink import Content, NotYet, PreparedAsset, PushResult, SourceAsset
from damlink._http.retry import no_waiting
from damlink.testing import Trial
from damlink_imatag.sandbox import ImatagSandbox
from damlink_sandbox import Sandbox

Painter = Callable[..., bytes]


def painted(
    kind: str = "JPEG", size: tuple[int, int] = (160, 96), mode: str = "RGB", **options: object
) -> bytes:
    """A picture with soft colours, encoded."""
    gradient = Image.linear_gradient("L").resize(size).point(lambda value: 60 + value // 2)
    buffer = io.BytesIO()
    Image.merge("RGB", (gradient, gradient.rotate(180), gradient)).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def paint() -> Painter:
    return painted


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox([ImatagSandbox], folder=tmp_path_factory.mktemp("world"), media=()) as running:
        running.part("imatag").control("settings", {"processing": 0})
        yield running


class Bench:
    """A connector of the plugin, a portal with pictures to be marked, and an Imatag that is quick."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.portal: Any = sandbox.part("bynder")
        self.imatag: Any = sandbox.part("imatag")

    def open(self, name: str = "trial", **settings: Any) -> Trial:
        """A connector with a database of that name."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return Trial("imatag", self.sandbox, folder, settings)

    def add(self, data: bytes = b"", filename: str = "photo.jpg", **more: Any) -> str:
        """Put a picture into the portal, as somebody would; its id."""
        body = {
            "base64": base64.b64encode(data or painted()).decode(),
            "filename": filename,
            "tags": ["protect"],
        }
        key: str = self.portal.control("add_asset", body | more)["id"]
        return key

    def asset(self, key: str) -> dict[str, Any]:
        """What the portal has of an asset."""
        return next(each for each in self.portal.state()["assets"] if each["id"] == key)

    def hashes(self, key: str) -> list[str]:
        """The hashes that an asset carries: of its original, and of its marked file."""
        hashes: list[str] = self.asset(key)["metaproperties"]["imatag_hash"].split()
        return hashes

    def marks(self, key: str) -> int:
        """How often an asset has been marked."""
        return self.sandbox.world.counts[f"marks:{key}"]

    def replace(self, trial: Trial, key: str, data: bytes) -> None:
        """Put another version into the portal, as somebody would."""
        content = Content.from_bytes(data, "photo.jpg")
        until_done(lambda: trial.context.bynder.upload(PreparedAsset(content, ""), Notes(), version_of=key))

    def listed(self, trial: Trial, key: str) -> SourceAsset:
        """An asset, as the connector lists it."""
        return next(source for source in trial.source_assets() if source.source_id == key)

    def carried(self, trial: Trial, key: str) -> PushResult:
        """Carry one asset to its end."""
        result = trial.carry(self.listed(trial, key))
        assert isinstance(result, PushResult)
        return result

    def read(self, trial: Trial, key: str, item_id: str | None = None) -> Any:
        """Whose mark is in a file, as the portal delivers it."""
        data = b"".join(trial.context.bynder.assets.content(key, item_id=item_id).open())
        return self.imatag.control("detect", {"base64": base64.b64encode(data).decode()})


class Notes:
    """A checkpoint that ends with the test."""

    source_id = "somebody"

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def get(self, name: str, default: Any = None) -> Any:
        return self._values.get(name, default)

    def put(self, **values: Any) -> None:
        self._values |= values


def until_done(call: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            call()
            return
        except NotYet as pause:
            assert time.monotonic() < deadline
            time.sleep(pause.retry_after or 0)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[Bench]:
    (folder / "world").mkdir()
    with no_waiting(), Sandbox([ImatagSandbox], folder=folder / "world", media=()) as running:
        running.part("bynder").control("lag", {"index": 0, "conversion": 0})
        running.part("imatag").control("settings", {"processing": 0})
        yield Bench(running, folder)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with opened(tmp_path) as bench:
        yield bench


@pytest.fixture(scope="module")
def seasons(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One that a module shares, whose portal has metaproperties of three types."""
    with opened(tmp_path_factory.mktemp("seasons")) as bench:
        season = {"name": "Season", "type": "select", "options": ["Summer", "Winter"]}
        for each in (season, {"name": "Code", "type": "text"}, {"name": "Until", "type": "date"}):
            bench.portal.control("metaproperty", each)
        yield bench
