"""What every plugin must do, as a pytest class: a plugin's test module subclasses it.

An honest difference of a partner is an attribute or a fixture overridden; a test that it cannot meet is
overridden with a skip, and the reason in words.
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
from damlink.testing.listings import between_cursors, cursors, seen
from damlink.testing.trial import Trial
from damlink_sandbox import Fault, MediaFile, Sandbox, Synthetic

__all__ = ["ConnectorContract"]

_UNASKED = "the partner was not asked: see the attributes `service` and `reads`, and `ask_partner`"


class ConnectorContract:
    """The tests of one plugin against its own part of the sandbox.

    ```python
    class TestAcme(ConnectorContract):
        plugin = "acme"
    ```

    Attributes:
        plugin: its name, as `damlink plugins` shows it.
        service: the sandbox's service that plays the partner's API; the plugin's namesake if not given.
        reads: a regular expression of what `ask_partner` asks of it, searched in "METHOD /path".
        acts: the same of the requests that must not happen twice; leave out what is harmless to repeat.
        repeats: how often a lost answer may be asked for again all the same, by a rule that a person can
            turn off and is told of.
    """

    plugin: ClassVar[str]
    service: ClassVar[str] = ""
    reads: ClassVar[str] = r"^GET "
    acts: ClassVar[str] = r"^POST "
    repeats: ClassVar[int] = 0

    # --- what it stands on: override what differs --------------------------------------------------

    @pytest.fixture
    def media(self) -> Sequence[MediaFile]:
        """The files that the partner holds."""
        photographs = [Synthetic(f"photo-{seed}.jpg", 40_000, "image", seed, 600, 400) for seed in range(6)]
        return [*photographs, Synthetic("drawing.eps", 30_000, "vector", 6), Synthetic("film.mov", 90_000)]

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        """Settings other than those that the sandbox's part names."""
        return {}

    @pytest.fixture
    def sandbox(self, media: Sequence[MediaFile], tmp_path: Path) -> Iterator[Sandbox]:
        """A portal and this partner's part, found by its entry point in `damlink_sandbox`."""
        parts = [point.load() for point in entry_points(group="damlink.sandbox", name=self.plugin)]
        folder = tmp_path / "sandbox"
        folder.mkdir()
        with Sandbox(parts, folder=folder, media=media) as running:
            yield running

    @pytest.fixture
    def trial(self, sandbox: Sandbox, settings: Mapping[str, Any], tmp_path: Path) -> Iterator[Trial]:
        """A connector of the plugin on a database of its own; it repeats at once."""
        folder = tmp_path / "trial"
        folder.mkdir()
        with no_waiting(), Trial(self.plugin, sandbox, folder, settings) as trial:
            yield trial

    @pytest.fixture
    def source(self, trial: Trial) -> SourceAsset:
        """A source asset that is carried, and not skipped; the first one listed."""
        with contextlib.closing(trial.listing()) as items:
            return next(item for item in items if isinstance(item, SourceAsset))

    def ask_partner(self, trial: Trial) -> None:
        """Ask the partner's API something that is repeatable: by default, for the whole listing."""
        deque(trial.listing(), maxlen=0)

    def listing_requests(self, trial: Trial) -> int:
        """How many requests listing has cost so far."""
        return trial.asked(self.reads, self.service).total()

    def targets(self, trial: Trial) -> list[str]:
        """The ids of what stands at the target: by default, the portal's assets."""
        return [asset["id"] for asset in trial.sandbox.part("bynder").state()["assets"]]

    # --- the plugin and its settings ---------------------------------------------------------------

    def test_plugin_loads_from_its_entry_point(self) -> None:
        """It is installed, nobody else has its name, and its hooks keep their signatures."""
        assert load(find(self.plugin)).info.problem == ""

    def test_settings_are_described_by_a_schema_that_fits_a_working_connector(self, sandbox: Sandbox) -> None:
        """Every setting has a help text, and what works in the sandbox is what the schema names."""
        schema = json.loads(json.dumps(json_schema(load(find(self.plugin)).settings_class, self.plugin)))
        properties = schema["properties"]
        given = sandbox.part(self.plugin).connector().keys() - set(CONNECTOR_KEYS)
        assert [name for name, each in properties.items() if not each["description"]] == []
        assert set(schema["required"]) <= given <= properties.keys()

    def test_settings_when_a_key_is_unknown_name_its_place(self, sandbox: Sandbox, tmp_path: Path) -> None:
        """A misspelt setting is an error and not a default."""
        trial = Trial(self.plugin, sandbox, tmp_path, {"no_such_setting": True})
        with pytest.raises(ConfigError, match=rf"connectors\.{self.plugin}\.no_such_setting: unknown"), trial:
            pass

    # --- the listing -------------------------------------------------------------------------------

    def test_listing_yields_its_first_asset_before_its_last_page_is_asked_for(self, trial: Trial) -> None:
        """A listing of any length begins to be carried at once, and is never whole in memory."""
        with contextlib.closing(_listing(trial)) as items:
            next(item for item in items if isinstance(item, SourceAsset))
            before = self.listing_requests(trial)
            deque(items, maxlen=0)
        assert before < self.listing_requests(trial)

    def test_listing_names_no_asset_twice_between_two_cursors(self, trial: Trial) -> None:
        """What is committed together is unique."""
        batches = list(between_cursors(_listing(trial)))
        assert batches == [sorted(set(batch)) for batch in batches]

    def test_listing_when_nothing_changed_shows_the_same_fingerprints(self, trial: Trial) -> None:
        """Otherwise every asset would be carried again in every run."""
        assert seen(_listing(trial)) == seen(_listing(trial))

    def test_listing_when_resumed_from_a_cursor_lists_all_that_came_after_it(self, trial: Trial) -> None:
        """Nothing is lost to a crash behind a commit."""
        after = cursors(list(_listing(trial)))
        missing = {value: assets - seen(trial.listing(value)) for value, assets in after.items()}
        assert {value: assets for value, assets in missing.items() if assets} == {}

    # --- one asset ---------------------------------------------------------------------------------

    def test_transform_leaves_its_input_alone(self, trial: Trial, source: SourceAsset) -> None:
        """The record in the ledger is what the partner said."""
        before = copy.deepcopy(dict(source.raw))
        self._prepared(trial, source)
        assert dict(source.raw) == before

    def test_transform_when_repeated_prepares_the_same_and_acts_no_more(
        self, trial: Trial, source: SourceAsset
    ) -> None:
        """After a crash it is called again: what must not happen twice stands in the checkpoint."""
        first = _facts(self._prepared(trial, source))
        acts = trial.asked(self.acts, self.service)
        assert _facts(self._prepared(trial, source)) == first
        assert trial.asked(self.acts, self.service) == acts

    def test_content_opens_twice_alike_and_at_any_offset(self, trial: Trial, source: SourceAsset) -> None:
        """An upload that broke goes on in the middle."""
        with contextlib.closing(self._prepared(trial, source).content) as content:
            whole = _bytes(content)
            offsets = [0, 1, len(whole) // 2, len(whole) - 1, len(whole)]
            assert [_bytes(content, offset) for offset in offsets] == [whole[offset:] for offset in offsets]
            assert content.size in (None, len(whole))

    def test_content_has_a_name_that_tells_its_type(self, trial: Trial, source: SourceAsset) -> None:
        """Bynder knows a file's type by its extension."""
        prepared = self._prepared(trial, source)
        with contextlib.closing(prepared.content) as content:
            assert PurePath(content.filename).suffix
        assert prepared.name

    def test_push_when_repeated_with_its_checkpoint_delivers_once(
        self, trial: Trial, source: SourceAsset
    ) -> None:
        """A crash right after the delivery makes no second asset."""
        before = self.targets(trial)
        first, second = trial.carry(source), trial.carry(source)
        assert isinstance(first, PushResult)
        assert isinstance(second, PushResult)
        assert first.target_id == second.target_id
        assert len(self.targets(trial)) == len(before) + 1

    def test_run_when_repeated_carries_nothing(self, trial: Trial) -> None:
        """The whole way, as `damlink run` goes it: everything arrives, once."""
        due = {source.source_id for source in trial.source_assets()}
        outcomes = trial.run()
        assert set(outcomes) <= {"pushed", "skipped"}
        assert sum(outcomes.values()) == len(due)
        assert trial.run() == {}

    # --- when the partner fails --------------------------------------------------------------------

    def test_401_stops_the_connector(self, trial: Trial) -> None:
        """Nobody is let in by asking again."""
        fault = self._script(trial, status=401, times=0)
        with pytest.raises(AuthError):
            self.ask_partner(trial)
        assert fault.struck, _UNASKED

    def test_429_is_waited_out(self, trial: Trial) -> None:
        """Being too fast fails nothing."""
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
        """It may work later: the run says so, and calls it no bug."""
        fault = self._script(trial, times=0, **failure)
        with pytest.raises(TransientError):
            self.ask_partner(trial)
        assert fault.struck, _UNASKED

    def test_failure_that_passes_is_not_noticed(self, trial: Trial) -> None:
        """A connection that is cut now and then loses nothing."""
        fault = self._script(trial, kind="cut", skip=1, times=2)
        self.ask_partner(trial)
        assert fault.struck == 2, _UNASKED

    def test_answer_to_an_act_when_lost_is_not_asked_for_again_blindly(
        self, trial: Trial, source: SourceAsset
    ) -> None:
        """It may have happened. Neither this round nor, with its notes, the next one does it again."""
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
        """Neither of a request that goes well nor of one that is refused, nor of the error."""
        caplog.set_level(logging.DEBUG)
        trial.carry(source)
        self._script(trial, status=401, times=0)
        with pytest.raises(DamlinkError) as refused:
            self.ask_partner(trial)
        said = "\n".join([caplog.text, str(refused.value), repr(trial.context), json.dumps(dict(source.raw))])
        assert "damlink.http" in said
        assert [secret for secret in trial.secrets() if secret in said] == []

    # --- in other words ----------------------------------------------------------------------------

    def _prepared(self, trial: Trial, source: SourceAsset) -> PreparedAsset:
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
    """All that is prepared, the bytes in place of the content."""
    facts = attrs.asdict(prepared, recurse=False)
    with contextlib.closing(prepared.content) as content:
        return facts | {"content": (content.filename, _bytes(content))}


def _bytes(content: Content, offset: int = 0) -> bytes:
    return b"".join(content.open(offset))
