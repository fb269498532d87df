"""A local world to work against: a portal and its partners on loopback, with clocks and faults in reach."""

from damlink_sandbox.application import Refusal, application
from damlink_sandbox.bynder.service import BynderSandbox
from damlink_sandbox.call import Call
from damlink_sandbox.credentials import (
    Credentials,
    Key,
    NoCredentials,
    OAuthServer,
    TokenServer,
    UserPassword,
)
from damlink_sandbox.files import send_file
from damlink_sandbox.media import Stored, Synthetic, from_folder
from damlink_sandbox.pages import cursor_page, linked_page, numbered_page, offset_page
from damlink_sandbox.rate_limit import RateLimit
from damlink_sandbox.server import Sandbox, discover_parts, wait_for_signal
from damlink_sandbox.sns.service import SnsSandbox
from damlink_sandbox.stand_in import StandIn, refuse, route
from damlink_sandbox.trial_facts import TrialFacts
from damlink_sandbox.world import Clock, Fault, Finding, MediaFile, Part, Scene, World

__all__ = [
    "BynderSandbox",
    "Call",
    "Clock",
    "Credentials",
    "Fault",
    "Finding",
    "Key",
    "MediaFile",
    "NoCredentials",
    "OAuthServer",
    "Part",
    "RateLimit",
    "Refusal",
    "Sandbox",
    "Scene",
    "SnsSandbox",
    "StandIn",
    "Stored",
    "Synthetic",
    "TokenServer",
    "TrialFacts",
    "UserPassword",
    "World",
    "application",
    "cursor_page",
    "discover_parts",
    "from_folder",
    "linked_page",
    "numbered_page",
    "offset_page",
    "refuse",
    "route",
    "send_file",
    "wait_for_signal",
]
