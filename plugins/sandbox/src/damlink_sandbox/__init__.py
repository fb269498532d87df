"""A local world to work against: a portal and its partners on loopback, with clocks and faults in reach."""

from damlink_sandbox.application import Refusal, application
from damlink_sandbox.bynder.service import BynderSandbox
from damlink_sandbox.media import Synthetic, from_folder
from damlink_sandbox.server import Sandbox, discover_parts, wait_for_signal
from damlink_sandbox.sns.service import SnsSandbox
from damlink_sandbox.world import Clock, Fault, Finding, MediaFile, Part, Scene, World

__all__ = [
    "BynderSandbox",
    "Clock",
    "Fault",
    "Finding",
    "MediaFile",
    "Part",
    "Refusal",
    "Sandbox",
    "Scene",
    "SnsSandbox",
    "Synthetic",
    "World",
    "application",
    "discover_parts",
    "from_folder",
    "wait_for_signal",
]
