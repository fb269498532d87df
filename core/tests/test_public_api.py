from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Iterator

import pytest

import damlink
from damlink import errors

PUBLIC = {
    "damlink": [
        "About",
        "AssetRejectedError",
        "Auth",
        "AuthError",
        "Backoff",
        "Checkpoint",
        "Client",
        "ConfigError",
        "Content",
        "ContentFile",
        "Context",
        "Cursor",
        "Estimate",
        "Event",
        "Finding",
        "HeaderAuth",
        "LedgerEntry",
        "NotYet",
        "NotedDelivery",
        "OAuth2",
        "Poll",
        "Portal",
        "PreparedAsset",
        "PushResult",
        "Rate",
        "Removed",
        "Response",
        "Secret",
        "Skip",
        "SourceAsset",
        "Spool",
        "TokenAuth",
        "TransientError",
        "UnclearError",
        "__version__",
        "hookimpl",
        "origin_of",
        "parse_url",
        "read_as",
        "read_pages",
        "read_rate",
        "setting",
        "suggest",
        "wait_for",
    ],
    "damlink.bynder": [
        "AccessRule",
        "Account",
        "AnalyticsEvent",
        "Asset",
        "AssetEvent",
        "AssetFilters",
        "AssetPage",
        "AssetReport",
        "AutomationActions",
        "AutomationCondition",
        "AutomationConditions",
        "AutomationRule",
        "Brand",
        "Budget",
        "Campaign",
        "Collection",
        "CollectionEvent",
        "CollectionPage",
        "Derivative",
        "Document",
        "Download",
        "Drift",
        "DriftChange",
        "Group",
        "Job",
        "JobMedia",
        "JobPreset",
        "KeywordEvent",
        "Listing",
        "MediaItem",
        "Metaproperty",
        "Option",
        "Order",
        "OrderLine",
        "Pace",
        "Page",
        "Portal",
        "Principal",
        "Product",
        "ProductOption",
        "Profile",
        "PublicLinks",
        "QuarantinedAsset",
        "RateLimiter",
        "RawAnswer",
        "Records",
        "Role",
        "Scope",
        "SearchEvent",
        "SentRequest",
        "SimilarAsset",
        "Smartfilter",
        "Stage",
        "Tag",
        "TaxonomyOption",
        "TrashedAsset",
        "Usage",
        "UsageSync",
        "User",
        "Webhook",
        "WorkflowGroup",
        "WorkflowMetaproperty",
        "WorkflowOption",
        "WorkflowUser",
        "download_roles",
        "reject_undownloadable",
    ],
    "damlink.errors": [
        "ArgumentError",
        "AssetRejectedError",
        "AuthError",
        "BynderAuthError",
        "BynderError",
        "ConfigError",
        "ConnectorError",
        "DamlinkError",
        "LeaseLostError",
        "NotYet",
        "PluginBugError",
        "PluginLoadError",
        "RunActiveError",
        "StateError",
        "StoppedError",
        "TransientError",
        "UnavailableError",
        "UnclearError",
        "UploadError",
    ],
    "damlink.hookspecs": [
        "Authenticate",
        "HookMarker",
        "ListSourceAssets",
        "OnEvent",
        "PROJECT",
        "Push",
        "Transform",
        "hookimpl",
        "hookspec",
    ],
    "damlink.testing": [
        "BrokenRuleError",
        "Case",
        "ConnectorContract",
        "NotApplicableError",
        "Rule",
        "Subject",
        "Trial",
        "all_rules",
        "make_context",
        "no_waiting",
        "rule",
    ],
    "damlink_sandbox": [
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
    ],
}


@pytest.mark.parametrize("module", PUBLIC)
def test_public_names_when_counted_are_these_sorted_and_there(module: str) -> None:
    imported = importlib.import_module(module)
    assert imported.__all__ == PUBLIC[module]
    assert imported.__all__ == sorted(imported.__all__)
    assert [name for name in imported.__all__ if not hasattr(imported, name)] == []


def is_ours(thing: object) -> bool:
    """Return whether a name is defined here: httpx's classes are documented by httpx."""
    return getattr(thing, "__module__", "httpx").partition(".")[0] != "httpx"


@pytest.mark.parametrize("module", PUBLIC)
def test_public_things_when_looked_at_are_documented(module: str) -> None:
    imported = importlib.import_module(module)
    things = {name: getattr(imported, name) for name in imported.__all__}
    ours = {name: thing for name, thing in things.items() if callable(thing) and is_ours(thing)}
    assert [name for name, thing in ours.items() if not inspect.getdoc(thing)] == []


@pytest.mark.parametrize("name", ["Checkpoint", "Client", "Context", "OAuth2", "Portal", "hookimpl"])
def test_names_on_first_use_when_asked_for_are_in_dir(name: str) -> None:
    assert name in dir(damlink)
    assert getattr(damlink, name) is not None


def test_damlink_when_asked_for_an_unknown_name_says_so() -> None:
    with pytest.raises(AttributeError, match="module 'damlink' has no attribute 'Secrets'"):
        damlink.Secrets  # noqa: B018


def test_damlink_when_imported_brings_no_heavy_library() -> None:
    heavy = "httpx pluggy sqlalchemy cryptography click rich keyring"
    loaded = f"[name for name in {heavy.split()} if name in sys.modules]"
    program = f"import sys, damlink\nfound = {loaded}\nassert not found, found"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_errors_when_drawn_are_the_tree_of_the_classes() -> None:
    real = [(name, getattr(errors, name).__bases__[0].__name__) for name in errors.__all__]
    assert sorted(drawn_tree(errors.__doc__ or "")) == sorted(real)


def test_errors_when_they_end_a_run_without_failing_it_are_those_of_another_run_or_of_a_person() -> None:
    harmless = {name for name in errors.__all__ if not getattr(errors, name).fails_run}
    assert harmless == {"LeaseLostError", "RunActiveError", "StoppedError"}


def drawn_tree(text: str) -> Iterator[tuple[str, str]]:
    """Yield each class of the indented drawing with the class that it is drawn below."""
    above = {-1: "Exception"}
    for line in text.split("\n\n")[1].splitlines():
        depth = len(line) - len(line.lstrip())
        above = {each: name for each, name in above.items() if each < depth}
        name = line.split()[0]
        yield name, above[max(above)]
        above[depth] = name


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("DamlinkError", 1),
        ("ConfigError", 3),
        ("PluginLoadError", 3),
        ("StateError", 3),
        ("PluginBugError", 3),
        ("AuthError", 4),
        ("BynderAuthError", 4),
        ("RunActiveError", 5),
        ("LeaseLostError", 5),
        ("StoppedError", 130),
        ("TransientError", 1),
        ("UnclearError", 1),
        ("AssetRejectedError", 1),
    ],
)
def test_errors_when_they_end_a_process_have_the_documented_exit_code(error: str, code: int) -> None:
    assert getattr(errors, error).exit_code == code


def test_error_when_shown_is_one_line_with_its_hint() -> None:
    assert str(errors.DamlinkError("a\n  b\tc", hint="do this")) == "a b c; do this"
    assert str(errors.ConfigError("here", "wrong")) == "here: wrong"
    assert str(errors.ConfigError("", "wrong")) == "wrong"
    assert str(errors.NotYet("a cap", 5)) == "a cap"


def test_names_of_the_kit_when_a_submodule_is_named_alike_are_those_of_the_kit() -> None:
    code = "import damlink.testing.rules\nfrom damlink.testing import rule\nprint(callable(rule))"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert child.stdout == "True\n", child.stderr
