"""Facts of a stand-in for the tests of its plugin. The kit of Damlink reads them; the sandbox does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from damlink_sandbox.world import JSON, MediaFile, Part

__all__ = ["TrialFacts"]


class TrialFacts(Protocol):
    """Optional members of a part: what the tests of its plugin have to know of it. Each may be missing.

    Attributes:
        trial_reads: a regular expression for the requests that may be repeated, searched in "METHOD /path";
            `^GET ` if it is missing.
        trial_acts: the same for requests that must not happen twice; `^POST ` if it is missing, and empty if
            there are none.
        trial_repeats: how often such a request may be repeated after a lost answer, by a documented rule.
        trial_carries: whether the partner is asked while assets are carried, not while they are listed.
        trial_is_paged: whether the partner's list has pages; true if it is missing.
    """

    trial_reads: str
    trial_acts: str
    trial_repeats: int
    trial_carries: bool
    trial_is_paged: bool

    @staticmethod
    def trial_media() -> Sequence[MediaFile]:
        """Return the files that the partner has in a test; a static method, called before there is a part."""

    def trial_setup(self, parts: Mapping[str, Part]) -> None:
        """Put in place what the connector of a test works with; `furnish` if it is missing."""

    def trial_settings(self) -> Mapping[str, JSON]:
        """Return settings for a test, in place of those of `connector()`."""

    def trial_requests(self, http: Any) -> None:
        """Send more requests that may be repeated, by the connector's client; for a listing of too few."""

    def trial_targets(self, parts: Mapping[str, Part]) -> Iterable[str]:
        """Return the ids of what was delivered; those of the portal's assets, if it is missing."""
