"""The parts of the world of which each schedule exercises one."""

from __future__ import annotations

from typing import Final

from simulation.parts.events import EventsPart
from simulation.parts.gelato import GelatoPart
from simulation.parts.imatag import ImatagPart
from simulation.parts.istock import IStockPart
from simulation.parts.part import Part, Stage
from simulation.parts.source import SourcePart
from simulation.parts.tokens import TokensPart
from simulation.parts.workers import WorkersPart

__all__ = ["make_part"]

_PARTS: Final[dict[str, type[Part]]] = {
    "source": SourcePart,
    "tokens": TokensPart,
    "events": EventsPart,
    "istock": IStockPart,
    "imatag": ImatagPart,
    "gelato": GelatoPart,
    "workers": WorkersPart,
}


def make_part(name: str, stage: Stage) -> Part:
    """Return the part of a name."""
    return _PARTS[name](stage)
