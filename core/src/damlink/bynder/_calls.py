"""HTTP calls that each method of the resources makes."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

from damlink.bynder._rights import Rights, rights_of

__all__ = ["calls_of", "rights_of_resource"]


@functools.cache
def _all_calls() -> Mapping[str, Sequence[str]]:
    """Return the calls by `resource.method`, each as method and path.

    tests/workspace/generate_reference.py writes the file from the code.
    """
    calls: Mapping[str, Sequence[str]] = json.loads(
        files(__package__).joinpath("calls.json").read_text("utf-8")
    )
    return calls


def calls_of(method: str) -> Sequence[str]:
    """Return the calls of a method such as `assets.get`, each as method and path; none if it is not known."""
    return _all_calls().get(method, ())


def rights_of_resource(resource: str) -> Iterator[tuple[str, Rights]]:
    """Yield each method of a resource with the rights of each of its calls."""
    for name, calls in _all_calls().items():
        own, _, method = name.partition(".")
        if own == resource:
            yield from ((method, rights_of(*call.split(" ", 1))) for call in calls)
