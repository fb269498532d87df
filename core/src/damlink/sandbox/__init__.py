"""A local world to work against: a portal and its partners on loopback, with clocks and faults in reach."""

from damlink.sandbox._bynder import BynderSandbox
from damlink.sandbox._media import Synthetic
from damlink.sandbox._server import Sandbox, discover_parts, from_folder, wait_for_signal
from damlink.sandbox._sns import SnsSandbox
from damlink.sandbox._world import Clock, Fault, Finding, MediaFile, Part, Scene, World

__all__ = [
    "BynderSandbox",
    "Clock",
    "Fault",
    "Finding",
    "MediaFile",
    "Part",
    "Sandbox",
    "Scene",
    "SnsSandbox",
    "Synthetic",
    "World",
    "discover_parts",
    "from_folder",
    "wait_for_signal",
]
