"""Contract of every plugin as a pytest class, which a plugin's test module subclasses.

If a partner differs, override an attribute or a fixture. If a plugin cannot pass a test, override the test
with a skip that gives the reason.
"""
# ruff: noqa: S101 - a contract is made of assertions

from __future__ import annotations

import contextlib
import copy
import json
import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path, PurePath
from typing import Any, ClassVar

import attrs
import pytest

from damlink._config.schema import json_schema
from damlink._config.tables import CONNECTOR_KEYS
from damlink._content import Content
from damlink._http.retry import no_waiting
from damlink._model import PreparedAsset, PushResult, SourceAsset
from damlink._plugin.discovery import find
from damlink._plugin.loader import load
from damlink.errors import AuthError, ConfigError, DamlinkError, TransientError, UnclearError
from damlink.testing.listings import batches_of, fingerprints_of, following_of
from damlink.testing.trial import Trial
from damlink_sandbox import Fault, MediaFile, Sandbox, Synthetic

__all__ = ["ConnectorContract"]

_UNASKED = "the partner was not asked: see the attributes `service` and `reads`, and `ask_partner`"


class ConnectorContract:
    """Tests of one plugin against its own part of the sandbox.

    ```python
    class TestAcme(ConnectorContract):
        plugin = "acme"
    ```

    Attributes:
        plugin: its name, as `damlink plugins` shows it.
        service: the sandbox's service that simulates the partner's API; by default it has the plugin's name.
        reads: a regular expression for the requests of `ask_partner`, searched in "METHOD /path".
        acts: a regular expression for the requests that must not happen twice.
        repeats: how often such a request may be repeated after a lost answer, by a documented rule that the
            administrator can turn off.
    """

    plugin: ClassVar[str]
    service: ClassVar[str] = ""
    reads: ClassVar[str] = r"^GET "
    acts: ClassVar[str] = r"^POST "
    repeats: ClassVar[int] = 0

    # --- fixtures: override what differs -----------------------------------------------------------

    @pytest.fixture
    def media(self) -> Sequence[MediaFile]:
        """Return the files that the partner has."""
        photographs = [Synthetic(f"photo-{seed}.jpg", 40_000, "image", seed, 600, 400) for seed in range(6)]
        return [*photographs, Synthetic("drawing.eps", 30_000, "vector", 6), Synthetic("film.mov", 90_000)]

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        """Return settings in addition to those of the sandbox's part."""
        return {}

    @pytest.fixture
    def sandbox(self, media: Sequence[MediaFile], tmp_path: Path) -> Iterator[Sandbox]:
        """Start a portal and this partner's part, found by its entry point in `damlink_sandbox`."""
        parts = [point.load() for point in entry_points(group="damlink.sandbox", name=self.plugin)]
        folder = tmp_path / "sandbox"
        folder.mkdir()
        with Sandbox(parts, folder=folder, media=media) as running:
            yield running

    @pytest.fixture
    def trial(self, sandbox: Sandbox, settings: Mapping[str, Any], tmp_path: Path) -> Iterator[Trial]:
        """Open a connector of the plugin on a separate database; it repeats requests without waiting."""
        folder = tmp_path / "trial"
        folder.mkdir()
        with no_waiting(), Trial(self.plugin, sandbox, folder, settings) as trial:
            yield trial

    @pytest.fixture
    def source(self, trial: Trial) -> SourceAsset:
        """Return a source asset that is carried, not skipped: by default, the first one listed."""
        with contextlib.closing(trial.listing()) as items:
            return next(item for item in items if isinstance(item, SourceAsset))

    def ask_partner(self, trial: Trial) -> None:
        """Send requests to the partner's API that may be repeated: by default, list everything."""
        deque(trial.listing(), maxlen=0)

    def listing_requests(self, trial: Trial) -> int:
        """Return the number of requests that listing has sent so far."""
        return trial.asked(self.reads, self.service).total()

    def targets(self, trial: Trial) -> list[str]:
        """Return the ids of the assets at the target: by default, in the portal."""
        return [asset["id"] for asset in trial.sandbox.part("bynder").state()["assets"]]

    # --- the plugin and its settings ---------------------------------------------------------------

    def test_plugin_loads_from_its_entry_point(self) -> None:
        """Verify that the plugin is installed, its name unique, and its hooks have the right signatures."""
        assert load(find(self.plugin)).info.problem == ""

    def test_settings_are_described_by_a_schema_that_fits_a_working_connector(self, sandbox: Sandbox) -> None:
        """Verify that every setting has a help text, and that the schema fits a working config."""
        schema = json.loads(json.dumps(json_schema(load(find(self.plugin)).settings_class, self.plugin)))
        properties = schema["properties"]
        given = sandbox.part(self.plugin).connector().keys() - set(CONNECTOR_KEYS)
        assert [name for name, each in properties.items() if not each["description"]] == []
        assert set(schema["required"]) <= given <= properties.keys()

    def test_settings_when_a_key_is_unknown_name_its_place(self, sandbox: Sandbox, tmp_path: Path) -> None:
        """Verify that a misspelt setting is an error, not ignored."""
        trial = Trial(self.plugin, sandbox, tmp_path, {"no_such_setting": True})
        with pytest.raises(ConfigError, match=rf"connectors\.{self.plugin}\.no_such_setting: unknown"), trial:
            pass

    # --- the listing -------------------------------------------------------------------------------

    def test_listing_yields_its_first_asset_before_its_last_page_is_asked_for(self, trial: Trial) -> None:
        """Verify that a listing is read page by page: carrying starts at once, in constant memory."""
        with contextlib.closing(_listing(trial)) as items:
            next(item for item in items if isinstance(item, SourceAsset))
            before = self.listing_requests(trial)
            deque(items, maxlen=0)
        assert before < self.listing_requests(trial)

    def test_listing_names_no_asset_twice_between_two_cursors(self, trial: Trial) -> None:
        """Verify that the source ids that are committed together are unique."""
        batches = list(batches_of(_listing(trial)))
        assert batches == [sorted(set(batch)) for batch in batches]

    def test_listing_when_nothing_changed_shows_the_same_fingerprints(self, trial: Trial) -> None:
        """Verify that fingerprints are stable; otherwise every run would carry every asset again."""
        assert fingerprints_of(_listing(trial)) == fingerprints_of(_listing(trial))

    def test_listing_when_resumed_from_a_cursor_lists_all_that_came_after_it(self, trial: Trial) -> None:
        """Verify that no asset is lost by a crash after a commit."""
        after = following_of(list(_listing(trial)))
        missing = {value: assets - fingerprints_of(trial.listing(value)) for value, assets in after.items()}
        assert {value: assets for value, assets in missing.items() if assets} == {}

    # --- one asset ---------------------------------------------------------------------------------

    def test_transform_leaves_its_input_alone(self, trial: Trial, source: SourceAsset) -> None:
        """Verify that the record in the ledger stays what the partner sent."""
        before = copy.deepcopy(dict(source.raw))
        self._prepare(trial, source)
        assert dict(source.raw) == before

    def test_transform_when_repeated_prepares_the_same_and_acts_no_more(
        self, trial: Trial, source: SourceAsset
    ) -> None:
        """Verify that a second call, as after a crash, does not repeat requests noted in the checkpoint."""
        first = _facts(self._prepare(trial, source))
        acts = trial.asked(self.acts, self.service)
        assert _facts(self._prepare(trial, source)) == first
        assert trial.asked(self.acts, self.service) == acts

    def test_content_opens_twice_alike_and_at_any_offset(self, trial: Trial, source: SourceAsset) -> None:
        """Verify that an interrupted upload can resume at any offset."""
        with contextlib.closing(self._prepare(trial, source).content) as content:
            whole = _bytes(content)
            offsets = [0, 1, len(whole) // 2, len(whole) - 1, len(whole)]
            assert [_bytes(content, offset) for offset in offsets] == [whole[offset:] for offset in offsets]
            assert content.size in (None, len(whole))

    def test_content_has_a_name_that_tells_its_type(self, trial: Trial, source: SourceAsset) -> None:
        """Verify that the file name has an extension, by which Bynder recognises the type."""
        prepared = self._prepare(trial, source)
        with contextlib.closing(prepared.content) as content:
            assert PurePath(content.filename).suffix
        assert prepared.name

    def test_push_when_repeated_with_its_checkpoint_delivers_once(
        self, trial: Trial, source: SourceAsset
    ) -> None:
        """Verify that a crash right after the delivery causes no second asset."""
        before = self.targets(trial)
        first, second = trial.carry(source), trial.carry(source)
        assert isinstance(first, PushResult)
        assert isinstance(second, PushResult)
        assert first.target_id == second.target_id
        assert len(self.targets(trial)) == len(before) + 1

    def test_run_when_repeated_carries_nothing(self, trial: Trial) -> None:
        """Verify that a run like `damlink run` delivers every asset, and a second run none."""
        due = {source.source_id for source in trial.source_assets()}
        outcomes = trial.run()
        assert set(outcomes) <= {"pushed", "skipped"}
        assert sum(outcomes.values()) == len(due)
        assert trial.run() == {}

    # --- when the partner fails --------------------------------------------------------------------

    def test_401_stops_the_connector(self, trial: Trial) -> None:
        """Verify that refused credentials stop the connector instead of being tried again."""
        fault = self._script(trial, status=401, times=0)
        with pytest.raises(AuthError):
            self.ask_partner(trial)
        assert fault.struck, _UNASKED

    def test_429_is_waited_out(self, trial: Trial) -> None:
        """Verify that a rate limit delays requests and fails none."""
        fault = self._script(trial, status=429, headers={"Retry-After": "1"}, times=2)
        self.ask_partner(trial)
        assert fault.struck == 2, _UNASKED

    @pytest.mark.parametrize(
        "failure",
        [
            pytest.param({"status": 500}, id="500"),
            pytest.param({"kind": "truncate"}, id="half an answer"),
            pytest.param({"status": 200, "body": '{"broken": '}, id="broken JSON"),
        ],
    )
    def test_failure_of_the_partners_is_transient(self, trial: Trial, failure: Mapping[str, Any]) -> None:
        """Verify that a failure of the partner's server is reported as transient, not as a bug."""
        fault = self._script(trial, times=0, **failure)
        with pytest.raises(TransientError):
            self.ask_partner(trial)
        assert fault.struck, _UNASKED

    def test_failure_that_passes_is_not_noticed(self, trial: Trial) -> None:
        """Verify that occasional broken connections are repeated and cause no failure."""
        fault = self._script(trial, kind="cut", skip=1, times=2)
        self.ask_partner(trial)
        assert fault.struck == 2, _UNASKED

    def test_answer_to_an_act_when_lost_is_not_asked_for_again_blindly(
        self, trial: Trial, source: SourceAsset
    ) -> None:
        """Verify that a request which may have taken effect is repeated neither now nor in the next round."""
        lost = Fault(self.service or self.plugin, self.acts, "cut-after", times=10)  # asked for ever, it ends
        trial.sandbox.world.faults.add(lost)
        with contextlib.suppress(UnclearError):
            trial.carry(source)
        trial.sandbox.world.faults.clear()
        if not lost.struck:
            pytest.skip("it asks nothing of the partner that must not happen twice")
        with contextlib.suppress(UnclearError):
            trial.carry(source)
        assert max(trial.asked(self.acts, self.service).values()) <= 1 + self.repeats

    def test_log_at_debug_level_holds_no_secret(
        self, trial: Trial, source: SourceAsset, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Verify that neither the log of successful and refused requests nor the error contains a secret."""
        caplog.set_level(logging.DEBUG)
        trial.carry(source)
        self._script(trial, status=401, times=0)
        with pytest.raises(DamlinkError) as refused:
            self.ask_partner(trial)
        said = "\n".join([caplog.text, str(refused.value), repr(trial.context), json.dumps(dict(source.raw))])
        assert "damlink.http" in said
        assert [secret for secret in trial.secrets() if secret in said] == []

    # --- shared steps ------------------------------------------------------------------------------

    def _prepare(self, trial: Trial, source: SourceAsset) -> PreparedAsset:
        prepared = trial.transform(source)
        assert isinstance(prepared, PreparedAsset), "override the fixture `source` with one that is carried"
        return prepared

    def _script(self, trial: Trial, **failure: Any) -> Fault:
        fault = Fault(self.service or self.plugin, self.reads, **failure)
        trial.sandbox.world.faults.add(fault)
        return fault


def _listing(trial: Trial) -> Any:
    if "list_source_assets" not in trial.connector.hooks:
        pytest.skip("it lists nothing: its assets come by events")
    return trial.listing()


def _facts(prepared: PreparedAsset) -> dict[str, Any]:
    """Return all fields of a prepared asset, with the bytes in place of the content."""
    facts = attrs.asdict(prepared, recurse=False)
    with contextlib.closing(prepared.content) as content:
        return facts | {"content": (content.filename, _bytes(content))}


def _bytes(content: Content, offset: int = 0) -> bytes:
    return b"".join(content.open(offset))
