"""Diagnostics for support: what is installed and where it stands, without secrets and names of assets."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import platform
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import attrs

from damlink._config.edit import document
from damlink._config.parse import SecretRef
from damlink._config.settings import Field, fields_of
from damlink._http.redact import is_secret_name
from damlink._plugin.discovery import EXTENSION_GROUP, list_plugins
from damlink._run.scrubber import Scrubber
from damlink._run.session import Session
from damlink._run.shown_config import ShownConfig, show_config
from damlink._run.standing import describe_connector
from damlink._secrets.key import find_key
from damlink._state.rows import NOT_CARRIED
from damlink._state.runs import Runs
from damlink._state.search import Search
from damlink._state.sizes import describe_database
from damlink._state.worker_records import list_workers
from damlink._version import __version__
from damlink.errors import DamlinkError, StateError

__all__ = ["MEMBERS", "make_diagnostics"]

FOLDER: Final = "damlink-diagnostics"
MEMBERS: Final[Mapping[str, str]] = {
    "manifest.json": "when it was made, and the size and the digest of each other file",
    "versions.json": "Damlink, its plugins and extensions, Python, the system, and the main libraries",
    "config.toml": "damlink.toml without comments; secrets as references, and no text that may be a secret",
    "check.json": "whether plugins load and settings are valid; nothing is sent",
    "status.json": "last and next run, assets by state, and causes of each connector",
    "causes.json": "why assets were not carried, with counts",
    "runs.json": "the last runs of each connector, with their totals and errors",
    "workers.json": "the workers that are alive, on PostgreSQL",
    "database.json": "kind and size of the database, version of its tables, and rows of each",
    "pace.json": "how much of the pace is left",
    "log.txt": "the last lines of a log file, if one was given",
}
MOST_CAUSES: Final = 50
MOST_RUNS: Final = 20
MOST_NAMES: Final = 2_000  # rows of a connector whose names are left out of errors and the log
LOG_BYTES: Final = 512 * 1024
LOG_LINES: Final = 2_000
SHORTEST_HIDDEN: Final = 6  # a shorter text of the config is a word that occurs anywhere
_LIBRARIES: Final = (
    *(
        "alembic",
        "attrs",
        "authlib",
        "cattrs",
        "click",
        "cryptography",
        "httpx",
        "jinja2",
        "msgspec",
        "pluggy",
    ),
    *("procrastinate", "psycopg", "sqlalchemy", "starlette", "tenacity", "tomlkit", "uvicorn"),
)


def make_diagnostics(session: Session, log: Path | None = None) -> bytes:
    """Return a zip file with what support needs, and nothing secret; nothing is sent, nothing changed.

    Args:
        log: a log file; its last lines are included.

    Raises:
        OSError: the log cannot be read.
    """
    scrubber = Scrubber()
    shown = _show_config(session)
    _note_secrets(session, scrubber, shown)
    _note_names(session, scrubber)
    texts = {
        "config.toml": scrubber.redact(document(shown.tables)),
        "log.txt": _read_log(log, scrubber),
    }
    for name, describe in _DOCUMENTS.items():
        texts[name] = scrubber.redact(_json_text(_describe(describe, session, scrubber)))
    return _pack(session, {name: texts[name] for name in MEMBERS if name in texts})


def _describe(describe: Callable[[Session, Scrubber], Any], session: Session, scrubber: Scrubber) -> Any:
    """Return a document, or why there is none: the others are wanted all the more then."""
    try:
        return describe(session, scrubber)
    except DamlinkError as error:
        return {"error": scrubber.scrub(str(error))}


# --- what must not be in it ------------------------------------------------------------------------


def _show_config(session: Session) -> ShownConfig:
    tables = tomllib.loads(session.config.path.read_text(encoding="utf-8"))

    def fields_of_plugin(name: str) -> Sequence[Field]:
        try:
            return fields_of(session.load_plugin(name).settings_class)
        except DamlinkError:
            return ()

    return show_config(tables, fields_of_plugin)


def _note_secrets(session: Session, scrubber: Scrubber, shown: ShownConfig) -> None:
    """Open every secret that is known here, so that it is found wherever it stands."""
    scrubber.note_secrets(each for each in shown.hidden if len(each) >= SHORTEST_HIDDEN)
    scrubber.note_secrets(value for name, value in os.environ.items() if _may_be_secret(name, value))
    # What cannot be opened here is not in these files either, but for errors, which are scrubbed.
    with contextlib.suppress(DamlinkError):
        key, _source = find_key(session.config.folder, _no_key)
        scrubber.note_secrets([key])
    for each in shown.references:
        ((kind, name),) = each.items()
        with contextlib.suppress(DamlinkError):
            scrubber.note_secrets([session.opener(SecretRef(kind, name), "")])  # type: ignore[arg-type]
    with contextlib.suppress(DamlinkError):
        if session.has_database:
            scrubber.note_secrets(session.secrets.values())


def _may_be_secret(name: str, value: str) -> bool:
    is_named_so = is_secret_name(name) or name.upper().endswith(("KEY", "_PROXY"))
    return is_named_so and len(value) >= SHORTEST_HIDDEN


def _no_key() -> str:
    raise StateError("there is no key")


def _note_names(session: Session, scrubber: Scrubber) -> None:
    config = session.config
    scrubber.keep_words([*config.portals, *config.connectors])
    scrubber.keep_words(each.plugin for each in config.connectors.values())
    with contextlib.suppress(DamlinkError):
        if session.has_database:
            every = (Search(session.database, name).names(MOST_NAMES) for name in config.connectors)
            scrubber.note_names(text for names in every for text in names)


# --- what is in it ---------------------------------------------------------------------------------


def _describe_versions(_session: Session, _scrubber: Scrubber) -> Any:
    return {
        "damlink": __version__,
        "python": sys.version,
        "system": platform.platform(),
        "plugins": [each._asdict() for each in list_plugins()],
        "extensions": [each._asdict() for each in list_plugins(EXTENSION_GROUP)],
        "libraries": dict(_installed(_LIBRARIES)),
    }


def _installed(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            yield name, metadata.version(name)


def _check(session: Session, scrubber: Scrubber) -> Any:
    return [{"connector": name} | _check_one(session, scrubber, name) for name in session.config.connectors]


def _check_one(session: Session, scrubber: Scrubber, name: str) -> dict[str, Any]:
    try:
        session.check(name)
    except DamlinkError as error:
        return {"ok": False, "detail": scrubber.scrub(str(error))}
    return {"ok": True, "detail": "plugin loaded, settings valid, secrets found"}


def _describe_status(session: Session, scrubber: Scrubber) -> Any:
    found = [describe_connector(session, name) for name in session.config.connectors]
    for each in found:
        each["reasons"] = scrubber.scrub_all(each.get("reasons", []))
        if each["last_run"]:
            each["last_run"] |= {"error": scrubber.scrub(each["last_run"]["error"])}
    return found


def _describe_causes(session: Session, scrubber: Scrubber) -> Any:
    if not session.has_database:
        return {}
    return {name: _causes_of(session, scrubber, name) for name in session.config.connectors}


def _causes_of(session: Session, scrubber: Scrubber, name: str) -> list[dict[str, Any]]:
    causes = Search(session.database, name).causes(MOST_CAUSES, NOT_CARRIED)
    return [attrs.asdict(each) | {"cause": scrubber.scrub(each.cause)} for each in causes]


def _describe_runs(session: Session, scrubber: Scrubber) -> Any:
    if not session.has_database:
        return {}
    return {
        name: [
            attrs.asdict(each) | {"error": scrubber.scrub(each.error)}
            for each in Runs(session.database, name).latest(MOST_RUNS)
        ]
        for name in session.config.connectors
    }


def _describe_workers(session: Session, _scrubber: Scrubber) -> Any:
    return [attrs.asdict(each) for each in list_workers(session.database)] if session.has_database else []


def _describe_database(session: Session, _scrubber: Scrubber) -> Any:
    return describe_database(session.database) if session.has_database else {}


def _describe_pace(session: Session, _scrubber: Scrubber) -> Any:
    return attrs.asdict(session.pace.budget())


_DOCUMENTS: Final[Mapping[str, Callable[[Session, Scrubber], Any]]] = {
    "versions.json": _describe_versions,
    "check.json": _check,
    "status.json": _describe_status,
    "causes.json": _describe_causes,
    "runs.json": _describe_runs,
    "workers.json": _describe_workers,
    "database.json": _describe_database,
    "pace.json": _describe_pace,
}


def _read_log(path: Path | None, scrubber: Scrubber) -> str:
    if path is None:
        return "No log file was given.\n"
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - LOG_BYTES))
        lines = file.read(LOG_BYTES).decode("utf-8", "replace").splitlines()
    # The first line may have lost its begin, and with it what shows that it holds a secret.
    whole = lines[1:] if size > LOG_BYTES else lines
    return "".join(f"{scrubber.scrub_line(line)}\n" for line in whole[-LOG_LINES:])


# --- the file --------------------------------------------------------------------------------------


def _json_text(value: Any) -> str:
    return json.dumps(value, indent=2, default=str) + "\n"


def _pack(session: Session, texts: Mapping[str, str]) -> bytes:
    made_at = session.now()
    contents = {name: text.encode() for name, text in texts.items()}
    files = {
        name: {"what": MEMBERS[name], "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in contents.items()
    }
    manifest = {"format": 1, "damlink": __version__, "made_at": made_at.isoformat(timespec="seconds")}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in {
            "manifest.json": _json_text(manifest | {"files": files}).encode(),
            **contents,
        }.items():
            member = zipfile.ZipInfo(f"{FOLDER}/{name}", made_at.timetuple()[:6])
            member.external_attr = 0o600 << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(member, data)
    return packed.getvalue()
