"""Contract of every plugin as a pytest class, which a plugin's test module subclasses.

If a partner differs, let its stand-in say so (see `damlink_sandbox.TrialFacts`), or override an attribute or
a fixture. If a plugin cannot pass a test, override the test with a skip that gives the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from damlink._model import SourceAsset
from damlink.testing.case import Case, Subject
from damlink.testing.opening import open_sandbox, open_trial, trial_settings
from damlink.testing.rule import RULES, BrokenRuleError, NotApplicableError
from damlink.testing.rules import all_rules
from damlink.testing.trial import Trial
from damlink_sandbox import MediaFile, Sandbox

__all__ = ["ConnectorContract"]


def _verify(name: str) -> Callable[[Any, Case], None]:
    """Return a test that tries a rule."""

    def test(self: Any, case: Case) -> None:  # noqa: ARG001 - a method
        __tracebackhide__ = True
        rule = RULES[name]
        try:
            rule.run(case)
        except NotApplicableError as reason:
            pytest.skip(str(reason))
        except BrokenRuleError as broken:
            pytest.fail(f"{rule.id}: {broken}; {rule.cure}", pytrace=False)

    test.__doc__ = RULES[name].proves
    return test


class ConnectorContract(Subject):
    """Tests of one plugin against its own part of the sandbox: each rule of the kit is a test.

    ```python
    class TestAcme(ConnectorContract):
        plugin = "acme"
    ```

    The attributes are those of `Subject`.
    """

    # A test suite runs often; `damlink test` and `damlink grade` try more of them.
    schedules = 2

    # --- fixtures: override what differs -----------------------------------------------------------

    @pytest.fixture
    def media(self) -> Sequence[MediaFile] | None:
        """Return the files that the partner has; `None`: those that its stand-in chooses."""
        return None

    @pytest.fixture
    def sandbox(self, media: Sequence[MediaFile] | None, tmp_path: Path) -> Iterator[Sandbox]:
        """Start a portal and this partner's part, found by its entry point in `damlink.sandbox`."""
        folder = tmp_path / "sandbox"
        folder.mkdir()
        with open_sandbox(self.plugin, folder, media) as running:
            yield running

    @pytest.fixture
    def settings(self, sandbox: Sandbox) -> Mapping[str, Any]:
        """Return settings in addition to those of the sandbox's part."""
        return trial_settings(self.plugin, sandbox)

    @pytest.fixture
    def trial(self, sandbox: Sandbox, settings: Mapping[str, Any], tmp_path: Path) -> Iterator[Trial]:
        """Open a connector of the plugin on a separate database; it repeats requests without waiting."""
        folder = tmp_path / "trial"
        folder.mkdir()
        with open_trial(self.plugin, sandbox, folder, settings) as trial:
            yield trial

    @pytest.fixture
    def source(self, trial: Trial) -> SourceAsset:
        """Return a source asset that is carried, not skipped: by default, the first one listed."""
        return Case(trial, self).source

    @pytest.fixture
    def case(self, trial: Trial, request: pytest.FixtureRequest) -> Case:
        """Return what a rule tries something with."""
        classes = type(self).__mro__
        if not any("source" in vars(kind) for kind in classes[: classes.index(ConnectorContract)]):
            return Case(trial, self)
        # The plugin's author has chosen an asset.
        return Case(trial, self, lambda: request.getfixturevalue("source"))

    # --- the rules, by the names of their tests ----------------------------------------------------

    test_plugin_loads_from_its_entry_point = _verify("plugin.loads")
    test_settings_are_described_by_a_schema_that_fits_a_working_connector = _verify("settings.described")
    test_settings_when_a_key_is_unknown_name_its_place = _verify("settings.unknown-key")
    test_listing_yields_its_first_asset_before_its_last_page_is_asked_for = _verify("listing.lazy")
    test_listing_names_no_asset_twice_between_two_cursors = _verify("listing.unique")
    test_listing_when_nothing_changed_shows_the_same_fingerprints = _verify("listing.stable")
    test_listing_when_resumed_from_a_cursor_lists_all_that_came_after_it = _verify("listing.resumable")
    test_transform_leaves_its_input_alone = _verify("transform.pure")
    test_transform_when_repeated_prepares_the_same_and_acts_no_more = _verify("transform.repeatable")
    test_content_opens_twice_alike_and_at_any_offset = _verify("content.reopens")
    test_content_has_a_name_that_tells_its_type = _verify("content.named")
    test_push_when_repeated_with_its_checkpoint_delivers_once = _verify("push.once")
    test_run_when_repeated_carries_nothing = _verify("run.once")
    test_401_stops_the_connector = _verify("partner.401")
    test_429_is_waited_out = _verify("partner.429")
    test_500_is_transient = _verify("partner.500")
    test_half_an_answer_is_transient = _verify("partner.half-answer")
    test_broken_json_is_transient = _verify("partner.broken-json")
    test_failure_that_passes_is_not_noticed = _verify("partner.passing")
    test_answer_to_an_act_when_lost_is_not_asked_for_again_blindly = _verify("partner.lost-answer")
    test_log_at_debug_level_holds_no_secret = _verify("log.secret-free")


def _add_further_rules() -> None:
    """Give each rule that has no test above one with a name of its id."""
    named: Final = {getattr(test, "__doc__", None) for test in vars(ConnectorContract).values()}
    for rule in all_rules():
        if rule.proves not in named:
            name = f"test_{rule.id.replace('.', '_').replace('-', '_')}"
            setattr(ConnectorContract, name, _verify(rule.id))


_add_further_rules()
