"""A portal and a Gelato account on loopback; each test has a tag, a database and a folder of its own."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from damlink import Content, NotYet, PreparedAsset, PushResult, SourceAsset
from damlink.testing import Trial, no_waiting
from damlink_gelato.sandbox import GelatoSandbox
from damlink_sandbox import Fault, Sandbox

_numbers = itertools.count(1)


class Notes(dict[str, Any]):
    """A checkpoint that lasts as long as the test."""

    source_id = "none"

    def put(self, **values: Any) -> None:
        self.update(values)


@attrs.define
class Bench:
    """What a test works with.

    Attributes:
        tag: the connector's; no other test uses it.
    """

    sandbox: Sandbox
    folder: Path
    tag: str
    _open: contextlib.ExitStack = attrs.field(factory=contextlib.ExitStack)

    def trial(self, **settings: Any) -> Trial:
        """A connector on a database of its own."""
        folder = self.folder / f"trial-{next(_numbers)}"
        folder.mkdir()
        given = {"tag": self.tag, "folder": self.tag} | settings
        return self._open.enter_context(Trial("gelato", self.sandbox, folder, given))

    def add(self, **asset: Any) -> str:
        """Put a tagged asset into the portal; its id."""
        body = {"text": f"bytes of {next(_numbers)}", "filename": "poster.pdf", "tags": [self.tag]} | asset
        made: dict[str, Any] = self.portal("add_asset", **body)
        return str(made["id"])

    def add_version(self, trial: Trial, asset_id: str, data: bytes) -> None:
        """Upload a new version of an asset, as a person would."""
        prepared, notes = PreparedAsset(Content.from_bytes(data, "poster.pdf"), name="poster"), Notes()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                trial.context.bynder.upload(prepared, notes, version_of=asset_id)  # type: ignore[arg-type]
                return
            except NotYet as pause:
                time.sleep(min(pause.retry_after or 0.1, 0.1))
        raise AssertionError("the portal took no new version")

    def only(self, trial: Trial) -> SourceAsset:
        """The one asset that is listed."""
        (source,) = trial.source_assets()
        return source

    def carried(self, trial: Trial) -> PushResult:
        """Carry the one asset to its end."""
        result = trial.carry(self.only(trial))
        assert isinstance(result, PushResult)
        return result

    def pushed(self, trial: Trial, source: SourceAsset) -> PushResult:
        """Transform and push once, without patience: `NotYet` comes out."""
        prepared = trial.transform(source)
        assert isinstance(prepared, PreparedAsset)
        return trial.connector.push(trial.context, prepared, source, None, trial.checkpoint(source))

    def portal(self, action: str, **body: Any) -> Any:
        """A hand on the portal."""
        return self.sandbox.part("bynder").control(action, body)

    def gelato(self, action: str, **body: Any) -> Any:
        """A hand on Gelato."""
        return self.sandbox.part("gelato").control(action, body)

    def fault(self, service: str = "gelato", match: str = "^POST", **more: Any) -> Fault:
        """Script a failure."""
        fault = Fault(service, match, **more)
        self.sandbox.world.faults.add(fault)
        return fault

    def files(self) -> list[dict[str, Any]]:
        """What this test's folder of the library holds."""
        return [file for file in self.sandbox.part("gelato").state()["files"] if file["folder"] == self.tag]

    def asset(self, asset_id: str) -> Mapping[str, Any]:
        """An asset as the portal holds it."""
        assets: list[dict[str, Any]] = self.sandbox.part("bynder").state()["assets"]
        return next(asset for asset in assets if asset["id"] == asset_id)

    def link(self, asset_id: str) -> str:
        """The link that the portal shows with an asset."""
        return str(self.asset(asset_id)["metaproperties"].get("Gelato_URL", ""))

    def downloads(self) -> int:
        """How often a temporary address was asked for."""
        counts = self.sandbox.world.counts.as_dict().items()
        return sum(number for name, number in counts if name.startswith("portal GET") and "/download" in name)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with (
        no_waiting(),
        Sandbox([GelatoSandbox], folder=tmp_path_factory.mktemp("world"), media=[]) as running,
    ):
        running.part("bynder").control("settings", {"index_lag": 0.0, "conversion_lag": 0.0})
        yield running


@pytest.fixture
def bench(sandbox: Sandbox, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(sandbox, tmp_path, f"Print {next(_numbers)}")
    with bench._open:
        yield bench
    sandbox.world.faults.clear()
    bench.gelato("settings", slow=0.0, processing=0.0, link_lag=0.0, replay_conflicts=False)
    bench.gelato("settings", most_bytes=1 << 40, checkout_host="checkout.gelato.example")
    bench.gelato("fail", times=0)
    bench.gelato("revoke_key", on=False)
