"""One plugin in a test: its connector on a sandbox, and what its stand-in says about testing it."""

from __future__ import annotations

import contextlib
import functools
import itertools
import re
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Any, Final

import httpx

from damlink._model import Cursor, PreparedAsset, Removed, SourceAsset
from damlink.testing.trial import Trial
from damlink_sandbox import Fault, Part, Sandbox

__all__ = ["Case", "NotApplicableError", "Subject"]

MOST_TRIED: Final = 4  # assets of a listing
_READS: Final = r"^GET "
_ACTS: Final = r"^POST "
_NONE: Final = r"(?!)"


class NotApplicableError(Exception):
    """A rule has nothing to try in this plugin; the text says why."""


class Subject:
    """Facts of a plugin that a test needs. By default the stand-in says it; see `damlink_sandbox.TrialFacts`.

    Attributes:
        plugin: its name, as `damlink plugins` shows it.
        service: the sandbox's service that simulates the partner's API; by default it has the plugin's name.
        reads: a regular expression for requests that may be repeated, searched in "METHOD /path".
        acts: a regular expression for the requests that must not happen twice; empty for none.
        repeats: how often such a request may be repeated after a lost answer, by a documented rule that the
            administrator can turn off.
        schedules: number of the seeded schedules that disturb its runs.
    """

    plugin: str
    service: str = ""
    reads: str | None = None
    acts: str | None = None
    repeats: int | None = None
    schedules: int = 5

    def ask_partner(self, trial: Trial) -> None:
        """Send requests to the partner's API that may be repeated: by default, list everything; carry it, if
        the stand-in says that this asks the partner.
        """
        part = trial.sandbox.part(self.plugin)
        if getattr(part, "trial_carries", False):
            for source in trial.source_assets():
                trial.carry(source)
        else:
            deque(trial.listing(), maxlen=0)
        if ask := getattr(part, "trial_requests", None):
            ask(trial.context.http)

    def listing_requests(self, trial: Trial) -> int:
        """Return the number of requests that listing has sent so far, to any service."""
        return sum(trial.asked(service=service).total() for service in trial.sandbox.origins)

    def targets(self, trial: Trial) -> list[str]:
        """Return the ids of what was delivered: by default, of the assets in the portal."""
        part = trial.sandbox.part(self.plugin)
        found = getattr(part, "trial_targets", None)
        if found is not None:
            return list(found(trial.sandbox.parts))
        return [asset["id"] for asset in trial.sandbox.part("bynder").state()["assets"]]


class Case:
    """One connector, open in a sandbox, with the subject's facts. A rule tries something with it.

    Args:
        trial: the open connector.
        subject: what is known of the plugin.
        source: returns a source asset that is carried, not skipped; by default, the first one that is.
    """

    def __init__(
        self, trial: Trial, subject: Subject, source: Callable[[], SourceAsset] | None = None
    ) -> None:
        self.trial = trial
        self.subject = subject
        self.plugin = subject.plugin
        self._source = source or self._first_carried

    @property
    def sandbox(self) -> Sandbox:
        """The running sandbox."""
        return self.trial.sandbox

    @property
    def part(self) -> Part:
        """The partner's stand-in."""
        return self.sandbox.part(self.plugin)

    @property
    def service(self) -> str:
        """The service that simulates the partner's API."""
        return self.subject.service or self.plugin

    @property
    def has_server(self) -> bool:
        """True if the partner is asked by HTTP; a folder or a database is not."""
        return bool(self.part.services())

    @property
    def reads(self) -> str:
        """The requests that may be repeated."""
        return str(_choose_fact(self.subject.reads, self.part, "trial_reads", _READS))

    @property
    def acts(self) -> str:
        """The requests that must not happen twice; one for a token may always be repeated."""
        chosen = str(_choose_fact(self.subject.acts, self.part, "trial_acts", _ACTS)) or _NONE
        path = httpx.URL(self.trial.token_url).path
        return rf"^(?!POST {re.escape(path)}$)(?=.*?(?:{chosen}))" if self.trial.token_url else chosen

    @property
    def repeats(self) -> int:
        """Number of times that such a request may be repeated after a lost answer."""
        return int(_choose_fact(self.subject.repeats, self.part, "trial_repeats", 0))

    @property
    def is_paged(self) -> bool:
        """True if the partner's list has pages."""
        return bool(getattr(self.part, "trial_is_paged", True))

    @property
    def lists(self) -> bool:
        """True if the plugin has a listing."""
        return "list_source_assets" in self.trial.connector.hooks

    def require_listing(self) -> None:
        """Raise a `NotApplicableError` if the plugin has no listing."""
        if not self.lists:
            raise NotApplicableError("it lists nothing: its assets come by events")

    def listing(self, since: str | None = None) -> Generator[SourceAsset | Removed | Cursor]:
        """Yield the listing after a cursor's value."""
        return self.trial.listing(since)

    def list_some(self) -> list[SourceAsset]:
        """Return the first assets of the listing."""
        with contextlib.closing(self.listing()) as items:
            assets = (item for item in items if isinstance(item, SourceAsset))
            return [*itertools.islice(assets, MOST_TRIED)]

    def list_carried(self) -> Iterator[SourceAsset]:
        """Yield those of the first assets that are carried, not skipped."""
        return filter(self._is_carried, self.list_some())

    @functools.cached_property
    def source(self) -> SourceAsset:
        """A source asset that is carried, not skipped."""
        return self._source()

    def _first_carried(self) -> SourceAsset:
        with contextlib.closing(self.listing()) as items:
            for item in items:
                if isinstance(item, SourceAsset) and self._is_carried(item):
                    return item
        raise LookupError("the listing has no asset that is carried; give the stand-in one")

    def _is_carried(self, source: SourceAsset) -> bool:
        prepared = self.trial.transform(source)
        if isinstance(prepared, PreparedAsset):
            prepared.content.close()
        return isinstance(prepared, PreparedAsset)

    def list_untouched(self) -> list[SourceAsset]:
        """Return the assets to try, of which nothing was asked of the partner: some plugins order the file in
        `transform`.
        """
        return self.list_some() if self._source == self._first_carried and self.lists else [self.source]

    def prepare(self) -> PreparedAsset:
        """Transform the source asset."""
        prepared = self.trial.transform(self.source)
        if not isinstance(prepared, PreparedAsset):
            raise LookupError("the source asset of the test is skipped; choose one that is carried")
        return prepared

    def count_acts(self) -> Mapping[str, int]:
        """Return the number of requests so far that must not happen twice, by "METHOD /path"."""
        return self.trial.asked(self.acts, self.service)

    def targets(self) -> list[str]:
        """Return the ids of what was delivered."""
        return self.subject.targets(self.trial)

    def ask_partner(self) -> None:
        """Send requests to the partner's API that may be repeated."""
        self.subject.ask_partner(self.trial)

    def script(self, *, match: str = "", **failure: Any) -> Fault:
        """Let requests to the partner fail; by default those that may be repeated."""
        if not self.has_server:
            raise NotApplicableError("the partner has no server: its stand-in has no service")
        fault = Fault(self.service, match or self.reads, **failure)
        self.sandbox.world.faults.add(fault)
        return fault


def _choose_fact(own: Any, part: Part, name: str, default: Any) -> Any:
    return own if own is not None else getattr(part, name, default)
