"""What is killed: a site with assets to carry, a command that carries them, and both sides compared."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, Final

import attrs
import httpx
from imatag_site import imatag_site, marks_of
from istock_site import MEDIA, istock_site, sign_in
from loopback import SECRET_VALUES, Site, until
from notifications import notification
from PIL import Image
from ports import free_port

from damlink_gelato.sandbox import ACCOUNT, GelatoSandbox
from damlink_sandbox import Sandbox, SnsSandbox

__all__ = ["CASES", "Case", "Outcome", "Start"]

# The other side shows at once what it has; so a search after a lost answer need not wait.
INDEX_LAG: Final = "0.2s"
FINAL_STATES: Final = frozenset({"pushed", "uncertain"})
MOST_SECONDS: Final = 120

Start = Callable[..., "subprocess.Popen[str]"]


@attrs.frozen
class Outcome:
    """Both sides compared: assets by what became of them."""

    lost: tuple[str, ...] = ()
    twice: tuple[str, ...] = ()
    uncertain: tuple[str, ...] = ()


@attrs.define
class Case(ABC):
    """A site, and a child process on it that can be killed and started again.

    Attributes:
        explained: what a person had to do, and why, in the words of the product.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    connector: ClassVar[str]
    # Assets that are carried.
    count: ClassVar = 2
    site: Site
    explained: list[str] = attrs.field(factory=list)

    @classmethod
    @contextlib.contextmanager
    def opened(cls, folder: Path, state_url: str = "") -> Iterator[Case]:
        """Set up the site, with its state in SQLite or at an address."""
        with cls._site(folder) as site:
            site.portal.control("lag", {"conversion": 0, "index": 0})
            # The unkind way: whatever is sent twice has two effects.
            site.portal.control("second_save", {"makes": "asset"})
            site.portal.control("second_finalise", {"makes": "import"})
            site.tables["portals"]["brand"]["index_lag"] = INDEX_LAG
            if state_url:
                site.tables["state"] = {"url": state_url}
            case = cls(site)
            case.furnish()
            site.write()
            yield case

    @classmethod
    @abstractmethod
    def _site(cls, folder: Path) -> contextlib.AbstractContextManager[Site]:
        """Start the other side."""

    @abstractmethod
    def furnish(self) -> None:
        """Put in place what is to be carried."""

    def drive(self, start: Start) -> int:
        """Start the command and wait for its end; return its exit code."""
        child = start("run", "--workers", "1")
        _, errors = child.communicate(timeout=MOST_SECONDS)
        if child.returncode not in (0, 1, -signal.SIGKILL):
            raise AssertionError(f"{self.name}: exit {child.returncode}: {errors}")
        return child.returncode

    def is_over(self) -> bool:
        """Whether each row is where it stays."""
        rows = self.rows()
        return bool(rows) and {row["state"] for row in rows} <= FINAL_STATES

    def sign_in_again(self, errors: str) -> None:
        """Do what a person does after a run that has ended with 4."""
        raise AssertionError(f"{self.name}: {errors}")

    def rows(self) -> list[dict[str, Any]]:
        """The ledger as the command line tells it."""
        out = self.site.run("assets", self.connector, "--json", expect=None).stdout
        return [json.loads(line) for line in out.splitlines()]

    def compare(self) -> Outcome:
        """Compare both sides, asset by asset."""
        rows = {row["source_id"]: row for row in self.rows()}
        lost, twice, uncertain = [], [], list(self.explained)
        for key, copies in self.copies().items():
            row = rows.get(key, {"state": "without a row"})
            unclear = row["state"] == "uncertain"
            if unclear or row.get("notice"):
                uncertain.append(str(row["last_error"] if unclear else row["notice"]))
            if copies > 1:
                twice.append(key)
            elif row["state"] not in FINAL_STATES or (copies < 1 and not unclear):
                lost.append(f"{key}: {row['state']}: {row.get('last_error')}")
        silent = [key for key in self.repeated() if not rows.get(key, {}).get("notice")]
        return Outcome(tuple(lost), (*twice, *(f"{key}: paid" for key in silent)), tuple(uncertain))

    @abstractmethod
    def copies(self) -> Mapping[str, int]:
        """How often each asset is at its target, whole; those that are to be there have an entry."""

    def repeated(self) -> list[str]:
        """Assets for which an effect that is paid has happened more than once."""
        return []


class Istock(Case):
    """Two licensed pictures come into the portal."""

    name, title, connector = "istock", "iStock, uploads by S3", "stock"
    uploads: ClassVar = "v4"

    @classmethod
    def _site(cls, folder: Path) -> contextlib.AbstractContextManager[Site]:
        return istock_site(folder, MEDIA[: cls.count])

    def furnish(self) -> None:
        newest = min(date for asset in self.site.licensed().values() for date in asset["dates"])
        since = datetime.fromisoformat(newest) - timedelta(days=2)
        self.site.tables["connectors"]["stock"]["sync_after"] = since.date()
        self.site.tables["portals"]["brand"]["uploads"] = self.uploads

    def copies(self) -> dict[str, int]:
        stored = self.site.stored()
        return {
            key: sum(copy["sha256"] == asset["sha256"] for copy in stored.get(key, ()))
            for key, asset in self.site.licensed().items()
        }

    def repeated(self) -> list[str]:
        counts = self.site.sandbox.world.counts
        return [key for key in self.site.licensed() if counts[f"licences:{key}"] > 1]


class IstockFilesService(Istock):
    """The same by the files service of the portal."""

    name, title = "istock-v7", "iStock, uploads by the files service"
    uploads: ClassVar = "v7"


class Tokens(Istock):
    """The tokens of both sides have ended: each is renewed, and the refresh token changes."""

    name, title = "tokens", "iStock, both sides renew their tokens"

    @classmethod
    def _site(cls, folder: Path) -> contextlib.AbstractContextManager[Site]:
        return istock_site(folder, [])

    def furnish(self) -> None:
        site = self.site
        SECRET_VALUES["CLIENT_SECRET"] = site.portal.client_secret
        site.tables["portals"]["brand"] |= {
            "auth": "oauth2-client-credentials",
            "client_id": site.portal.client_id,
            "client_secret": {"env": "CLIENT_SECRET"},
        }
        site.istock.control("rotation", {"on": True})
        self._consent()
        since = datetime.now(UTC) - timedelta(days=2)
        changes = {"username": None, "password": None, "refresh_token": {"file": "refresh.secret"}}
        site.connector(**changes, sync_after=since.date())
        site.run("run")
        site.istock.control("license", {"count": 1})
        site.istock.control("expire_tokens", {})
        site.portal.control("tokens", {"expire": True})

    def _consent(self) -> None:
        """A person signs in at iStock, and gives the refresh token to the connector."""
        token = sign_in(self.site)
        (self.site.folder / "refresh.secret").write_text(token, encoding="utf-8")

    def sign_in_again(self, errors: str) -> None:
        # The answer with the new refresh token was lost, and the old one has ended.
        self.explained.append(errors.strip().splitlines()[0])
        self._consent()

    def drive(self, start: Start) -> int:
        child = start("run", "--workers", "1")
        _, errors = child.communicate(timeout=MOST_SECONDS)
        if child.returncode == 4:
            self.sign_in_again(errors)
            return self.drive(start)
        if child.returncode not in (0, -signal.SIGKILL):
            raise AssertionError(f"{self.name}: exit {child.returncode}: {errors}")
        return child.returncode


class Imatag(Case):
    """Two pictures of the portal are marked, and come back as new versions."""

    name, title, connector = "imatag-version", "Imatag, delivered as a new version", "marks"
    deliver_as: ClassVar = "new-version"

    @classmethod
    def _site(cls, folder: Path) -> contextlib.AbstractContextManager[Site]:
        return imatag_site(folder)

    def furnish(self) -> None:
        self.site.sandbox.part("imatag").control("settings", {"processing": 0})
        self.site.tables["connectors"]["marks"]["deliver_as"] = self.deliver_as
        for number in range(self.count):
            data, name = base64.b64encode(_picture(number)).decode(), f"{number}.jpg"
            self.site.portal.control("add_asset", {"base64": data, "tags": ["protect"], "filename": name})

    def _originals(self) -> dict[str, Any]:
        assets = self.site.portal.state()["assets"]
        return {asset["id"]: asset for asset in assets if asset["filename"] in ("0.jpg", "1.jpg")}

    def copies(self) -> dict[str, int]:
        return {key: self.delivered(asset) for key, asset in self._originals().items()}

    def delivered(self, asset: Mapping[str, Any]) -> int:
        """How often the marked file of an asset has been delivered."""
        return len(asset["versions"]) - 1

    def repeated(self) -> list[str]:
        return [key for key in self._originals() if marks_of(self.site, key) != 1]


class ImatagAsset(Imatag):
    """They come back as assets of their own."""

    name, title = "imatag-asset", "Imatag, delivered as a new asset"
    deliver_as: ClassVar = "new-asset"

    def _originals(self) -> dict[str, Any]:
        assets = self.site.portal.state()["assets"]
        return {asset["id"]: asset for asset in assets if asset["tags"] == ["protect"]}

    def delivered(self, asset: Mapping[str, Any]) -> int:
        return sum(asset["id"] in each["tags"] for each in self.site.portal.state()["assets"])


class ImatagAdditional(Imatag):
    """They come back beside the originals."""

    name, title = "imatag-additional", "Imatag, delivered as an additional file"
    deliver_as: ClassVar = "additional"

    def delivered(self, asset: Mapping[str, Any]) -> int:
        return len(asset["additionals"])


class Gelato(Case):
    """Two tagged assets go into a library, and the portal links to them."""

    name, title, connector = "gelato", "Gelato, by listing", "print"

    @classmethod
    @contextlib.contextmanager
    def _site(cls, folder: Path) -> Iterator[Site]:
        SECRET_VALUES["GELATO_KEY"] = ACCOUNT.key
        (folder / "world").mkdir()
        with Sandbox([SnsSandbox, GelatoSandbox], folder=folder / "world", media=[]) as sandbox:
            printing = dict(sandbox.part("gelato").connector()) | {"api_key": {"env": "GELATO_KEY"}}
            portal = {"url": sandbox.origins["portal"], "token": {"env": "TOKEN"}}
            pace = {"requests": 100_000, "share": 1.0}
            tables = {"pace": pace, "portals": {"brand": portal}, "connectors": {"print": printing}}
            site = Site(folder, sandbox, tables)
            site.portal.control("pace", {"requests": 1_000_000, "seconds": 300})
            yield site

    def furnish(self) -> None:
        self.add_assets()

    def add_assets(self) -> list[str]:
        """Put two tagged assets into the portal; their ids."""
        tag = self.site.tables["connectors"]["print"]["tag"]
        posters = (f"poster-{number}" for number in range(self.count))
        bodies = ({"text": name, "filename": f"{name}.pdf", "tags": [tag]} for name in posters)
        return [str(self.site.portal.control("add_asset", body)["id"]) for body in bodies]

    def copies(self) -> dict[str, int]:
        files = self.site.sandbox.part("gelato").state()["files"]
        return {
            asset["id"]: sum(_is_linked(file, asset) for file in files)
            for asset in self.site.portal.state()["assets"]
        }

    def repeated(self) -> list[str]:
        files = [file["asset_id"] for file in self.site.sandbox.part("gelato").state()["files"]]
        return [key for key in {*files} if files.count(key) > 1]


@attrs.define
class Events(Gelato):
    """The same, by notifications to `damlink serve`.

    Attributes:
        todo: notifications that have not been acknowledged yet.
    """

    name, title = "events", "Gelato, by events to `damlink serve`"
    todo: list[str] = attrs.field(factory=list)
    url: str = ""

    def furnish(self) -> None:
        site, port = self.site, free_port()
        sns: Any = site.sandbox.part("sns")
        site.tables["serve"] = {
            "port": port,
            "public_url": f"http://127.0.0.1:{port}",
            "event_pause": "0.1s",
        }
        site.tables["portals"]["brand"] |= sns.portal()
        site.tables["connectors"]["print"]["every"] = "1d"
        site.write()
        # The first listing finds nothing, and the next one comes in a day: the rest is by events.
        site.run("run")
        self.url = site.run("events", "url", "brand").stdout.strip()
        self.todo = [notification(site, key) for key in self.add_assets()]

    def drive(self, start: Start) -> int:
        child = start("serve")
        with httpx.Client(trust_env=False, timeout=MOST_SECONDS) as client:
            until(lambda: child.poll() is not None or self._post(client), MOST_SECONDS)
        until(lambda: child.poll() is not None or self._is_carried(), MOST_SECONDS)
        child.send_signal(signal.SIGTERM)
        _, errors = child.communicate(timeout=MOST_SECONDS)
        if child.returncode not in (0, -signal.SIGKILL):
            raise AssertionError(f"{self.name}: exit {child.returncode}: {errors}")
        return child.returncode

    def _post(self, client: httpx.Client) -> bool:
        """Send what has not been acknowledged, as SNS does; return whether the server runs and has it all."""
        try:
            while self.todo:
                answer = client.post(self.url, content=self.todo[0], headers={"Content-Type": "text/plain"})
                if answer.status_code != 200:
                    return False
                del self.todo[0]
            return client.get(f"{self.site.tables['serve']['public_url']}/healthz").is_success
        except httpx.TransportError:
            return False

    def _is_carried(self) -> bool:
        rows = self.rows()
        return len(rows) == self.count and {row["state"] for row in rows} <= FINAL_STATES

    def is_over(self) -> bool:
        return not self.todo and self._is_carried()


def _is_linked(file: Mapping[str, Any], asset: Mapping[str, Any]) -> bool:
    same = (file["asset_id"], file["sha256"]) == (asset["id"], asset["sha256"])
    return same and file["checkout_url"] == asset["metaproperties"].get("Gelato_URL")


def _picture(number: int) -> bytes:
    buffer = io.BytesIO()
    gradient = Image.linear_gradient("L").resize((160 + 8 * number, 96))
    Image.merge("RGB", (gradient, gradient.rotate(180), gradient)).save(buffer, "JPEG")
    return buffer.getvalue()


class Folder(Case):
    """Two files of a hot folder come into the portal, and move to `done` with a report."""

    name, title, connector = "folder", "Hot folder, with reports and moves", "hot"

    @classmethod
    @contextlib.contextmanager
    def _site(cls, folder: Path) -> Iterator[Site]:
        with istock_site(folder, []) as site:
            settings = {"address": str(folder / "hot"), "settle": "0s", "move": True, "report": "json"}
            site.tables["connectors"] = {"hot": {"plugin": "folder", **settings}}
            yield site

    @property
    def _files(self) -> dict[str, bytes]:
        return {f"sub/{number}.jpg": bytes([number]) * 50_000 for number in range(self.count)}

    def furnish(self) -> None:
        for name, data in self._files.items():
            path = self.site.folder / "hot" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            path.with_name(f"{path.name}.json").write_text("{}", "utf-8")

    def copies(self) -> dict[str, int]:
        stored = [asset["sha256"] for asset in self.site.portal.state()["assets"]]
        return {name: stored.count(sha256(data).hexdigest()) for name, data in self._files.items()}

    def compare(self) -> Outcome:
        done = self.site.folder / "hot" / "done"
        names = [f"{name}{end}" for name in self._files for end in ("", ".json", ".damlink.json")]
        left = [f"{name}: not moved" for name in names if not (done / name).is_file()]
        found = super().compare()
        return attrs.evolve(found, lost=(*found.lost, *left))


CASES: Final[Mapping[str, type[Case]]] = {
    case.name: case
    for case in (
        Istock,
        IstockFilesService,
        Imatag,
        ImatagAsset,
        ImatagAdditional,
        Gelato,
        Events,
        Tokens,
        Folder,
    )
}
