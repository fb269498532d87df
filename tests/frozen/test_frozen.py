"""Plugins as they were written for earlier public names keep the contract, unchanged, without a warning."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

import pytest
from made_plugins import call_damlink, call_python, install

HERE: Final = Path(__file__).parent
# A digest of each plugin's files: they are copies of what authors have published, and are never changed.
FROZEN: Final = {
    "api_0_1/damlink-frozen": "8e59cb25b05cb76bfc8843917dd763defe2578edfd865b30e8e11e940dbc3ffb",
}
USE_ALL: Final = """
import contextlib, sys, tempfile
from datetime import UTC, datetime
from pathlib import Path
from damlink import Event
from damlink.testing.opening import open_sandbox, open_trial

folder = Path(tempfile.mkdtemp(dir=sys.argv[1]))
for name in ("sandbox", "trial"):
    (folder / name).mkdir()
with contextlib.ExitStack() as opened:
    sandbox = opened.enter_context(open_sandbox("frozen", folder / "sandbox"))
    trial = opened.enter_context(open_trial("frozen", sandbox, folder / "trial"))
    for finding in trial.connector.check(trial.context):
        print(finding.what, finding.ok)
    event = Event("asset_bank.media.deleted", "no-such-id", None, "sandbox", datetime.now(UTC))
    for each in trial.connector.on_event(trial.context, event):
        print(type(each).__name__, each.source_id)
"""


def digest(folder: Path) -> str:
    """Return a digest of the names and contents of a distribution's files."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".py", ".toml"))
    whole = b"".join(f"{path.relative_to(folder)}\n".encode() + path.read_bytes() for path in files)
    return hashlib.sha256(whole).hexdigest()


@pytest.fixture(scope="module", params=FROZEN)
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("frozen")
    install(HERE / request.param, folder / "site")
    return folder


@pytest.mark.parametrize("name", FROZEN)
def test_plugin_when_frozen_is_as_it_was(name: str) -> None:
    assert digest(HERE / name) == FROZEN[name], "a frozen plugin is never changed: mend the core"


def test_plugin_when_frozen_keeps_each_rule_of_the_kit(installed: Path) -> None:
    child = call_damlink(installed, "test", "frozen", "--json", path=installed / "site")
    rules = {
        rule["id"]: rule["seen"] for rule in json.loads(child.stdout)["rules"] if rule["outcome"] == "broken"
    }
    assert (child.returncode, rules) == (0, {}), child.stderr


def test_plugin_when_frozen_runs_each_hook_without_a_warning(installed: Path) -> None:
    child = call_python(installed, "-W", "error", "-c", USE_ALL, str(installed), path=installed / "site")
    assert child.stdout.splitlines() == ["spool True", "account True", "Removed no-such-id"], child.stderr


def test_plugin_when_frozen_names_every_public_name_of_its_time() -> None:
    text = (HERE / "api_0_1/damlink-frozen/src/damlink_frozen/plugin.py").read_text("utf-8")
    assert [name for name in PUBLIC_0_1 if text.count(name) < 2] == []


PUBLIC_0_1: Final = (
    *("About", "AssetRejectedError", "Auth", "AuthError", "Backoff", "Checkpoint", "Client", "Content"),
    *(
        "ContentFile",
        "Context",
        "Cursor",
        "Event",
        "Finding",
        "HeaderAuth",
        "LedgerEntry",
        "NotYet",
        "OAuth2",
    ),
    *(
        "Poll",
        "Portal",
        "PreparedAsset",
        "PushResult",
        "Removed",
        "Response",
        "Secret",
        "Skip",
        "SourceAsset",
    ),
    *(
        "Spool",
        "TransientError",
        "UnclearError",
        "__version__",
        "hookimpl",
        "origin_of",
        "parse_url",
        "setting",
    ),
    "suggest",
)
