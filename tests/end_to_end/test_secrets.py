"""Nothing secret in any log, error, file or list of processes, whatever is done and whatever fails."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import re
import stat
import subprocess
import urllib.parse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest
from loopback import SECRET_VALUES, Site
from ports import free_port
from recorder import Exchange, RecordedSandbox

from damlink_sandbox import Fault, Sandbox
from damlink_sandbox.mark import SECRET_MARK

PASSWORD = f"pass-word-that-nobody-may-see-{SECRET_MARK}"
KEPT = f"kept-secret-that-nobody-may-see-{SECRET_MARK}"
ECHO = "c2lnbmF0dXJlLXRoYXQtdGhlLXN0b3JhZ2UtdGVsbHM"
DEBUG = ("--log-level", "debug")
DEBUG_JSON = (*DEBUG, "--log-format", "json")
ISSUED = re.compile(
    r'"(?:access_token|refresh_token|Policy|X-Amz-Signature|x-amz-credential)"\s*:\s*"([^"]+)"'
)
NO_KEYS = {"client_id", "redirect_uri", "grant_type", "scope", "username"}  # of a token request
PARTNER_SECRETS = [value for value in SECRET_VALUES.values() if value != "sandbox.user"]
FILE_HOSTS = {"s3", "istock-delivery"}


@attrs.define
class Watch:
    """Runs commands; keeps what they said, and how those in children stood in the list of processes."""

    site: Site
    said: list[str] = attrs.field(factory=list)
    processes: set[bytes] = attrs.field(factory=set)
    written: set[bytes] = attrs.field(factory=set)

    def run(self, *arguments: str, entered: str = "", expect: int = 0, tells: bool = False) -> str:
        """Run one to its end; its answer.

        Args:
            entered: at its standard input.
            tells: its answer is a secret that was asked for, and may hold it.
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdin", io.StringIO(entered))
            done = self.site.run(*arguments, expect=expect)
        self.said += [done.stderr] if tells else [done.stdout, done.stderr]
        return done.stdout

    @contextlib.contextmanager
    def start(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Start one in a session of its own, which does not outlive the block."""
        with self.site.start(*arguments, fresh=True, start_new_session=True) as child:
            try:
                yield child
            finally:
                child.kill()

    def look(self, child: subprocess.Popen[str]) -> None:
        """Note every process of the child's session, and what the files hold in the middle of the work."""
        self.processes |= set(command_lines(child.pid))
        with contextlib.suppress(FileNotFoundError):
            self.written.update(path.read_bytes() for path in kept(self.site))


def command_lines(session: int) -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if os.getsid(int(path.parent.name)) == session:
                yield path.read_bytes()


@pytest.fixture
def sandbox_kind() -> type[Sandbox]:
    return RecordedSandbox


@pytest.fixture
def watch(site: Site, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """A portal reached in all four ways, and an iStock account whose password is kept in the database."""
    url, portal = site.sandbox.origins["portal"], site.portal
    redirect = f"http://127.0.0.1:{free_port()}/callback"
    portal.control("tokens", {"redirects": [redirect], "rotate": True})
    own = {"CLIENT_SECRET": portal.client_secret, "CONSUMER_SECRET": portal.consumer_secret}
    own |= {"OAUTH_TOKEN": portal.oauth_token, "OAUTH_SECRET": portal.oauth_token_secret}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    client = {"client_id": portal.client_id, "client_secret": {"env": "CLIENT_SECRET"}}
    site.tables["portals"] |= {
        "robot": {"url": url, "auth": "oauth2-client-credentials", **client},
        "person": {"url": url, "auth": "oauth2-code", **client, "redirect_url": redirect},
        "old": {
            "url": url,
            "auth": "oauth1",
            "consumer_key": portal.consumer_key,
            "consumer_secret": {"env": "CONSUMER_SECRET"},
            "token": {"env": "OAUTH_TOKEN"},
            "token_secret": {"env": "OAUTH_SECRET"},
        },
    }
    site.connector(portal="brand", password={"secret": "istock-password"})
    return Watch(site)


def fault(site: Site, service: str, match: str, kind: str, **more: Any) -> None:
    site.sandbox.world.faults.add(Fault(service=service, match=match, kind=kind, **more))


def test_secret_is_nowhere_to_be_found_after_all_has_been_done(watch: Watch) -> None:
    site, portal = watch.site, watch.site.portal
    sandbox: Any = site.sandbox
    configure(watch)
    run_with_failures(watch)
    sign_in(watch)
    call_the_portal(watch)
    refuse_credentials(watch)
    secrets = {
        *forms_of([PASSWORD, KEPT, ECHO, portal.token, portal.client_secret, portal.consumer_secret]),
        *forms_of([portal.oauth_token, portal.oauth_token_secret, key_of(site)]),
        *forms_of(PARTNER_SECRETS),
        *forms_of([f"{portal.client_id}:{portal.client_secret}"]),
        *issued(sandbox.exchanges),
    }
    said = "\n".join(watch.said)
    assert "POST" in said
    assert "**redacted**" in said
    assert found(secrets, said.encode()) == []
    files = kept(site)
    assert "damlink.db" in [path.name for path in files]
    assert [path.name for path in files if found(secrets, path.read_bytes())] == []
    assert found(secrets, b"\n".join(watch.written)) == []
    assert any(b"\0-m\0damlink\0" in line for line in watch.processes)
    assert found(secrets, b"\n".join(watch.processes)) == []


# --- an other side that repeats what it was shown --------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 403])
@pytest.mark.parametrize("portal", ["brand", "robot", "old"])
def test_credential_that_the_portal_echoes_is_nowhere_to_be_found(
    watch: Watch, portal: str, status: int
) -> None:
    configure(watch)
    watch.site.connector(portal=portal)
    fault(watch.site, "portal", "GET /api", "echo", status=status, times=0)
    look_everywhere(watch, portal)
    assert_nowhere(watch)


@pytest.mark.parametrize("portal", ["robot", "person"])
def test_credential_that_the_token_address_echoes_is_nowhere_to_be_found(watch: Watch, portal: str) -> None:
    configure(watch)
    sign_in(watch)
    watch.site.connector(portal=portal)
    fault(watch.site, "portal", "POST /v6", "echo", status=400, times=0)
    look_everywhere(watch, portal)
    assert_nowhere(watch)


@pytest.mark.parametrize("service", ["istock", "istock-login"])
@pytest.mark.parametrize("status", [400, 403])
def test_credential_that_the_partner_echoes_is_nowhere_to_be_found(
    watch: Watch, service: str, status: int
) -> None:
    configure(watch)
    fault(watch.site, service, "", "echo", status=status, times=0)
    look_everywhere(watch, "brand")
    assert_nowhere(watch)


@pytest.mark.parametrize("plugin", ["imatag", "gelato"])
@pytest.mark.parametrize("status", [400, 401, 403])
def test_key_that_a_partner_echoes_is_nowhere_to_be_found(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, plugin: str, status: int
) -> None:
    table = watch.site.sandbox.part(plugin).connector()
    monkeypatch.setenv("PARTNER_KEY", table["api_key"])
    key = {"portal": "brand", "api_key": {"env": "PARTNER_KEY"}}
    watch.site.tables["connectors"] = {"stock": {**table, **key}}
    watch.site.write()
    for service in ("imatag", "gelato", "gelato-products"):
        fault(watch.site, service, "", "echo", status=status, times=0)
    look_everywhere(watch, "brand")
    counts = watch.site.sandbox.world.counts
    assert sum(counts[f"requests:{service}"] for service in ("imatag", "gelato", "gelato-products")) > 0
    assert_nowhere(watch, table["api_key"])


@pytest.mark.parametrize("location", ["/api/{token}", "http://[{token}"])
def test_credential_that_a_redirect_repeats_is_nowhere_to_be_found(watch: Watch, location: str) -> None:
    configure(watch)
    target = {"Location": location.format(token=watch.site.portal.token)}
    fault(watch.site, "portal", "GET /api/v4/users", "status", status=302, headers=target, times=0)
    fault(watch.site, "portal", "GET /api/", "echo", status=404, times=0)
    look_everywhere(watch, "brand", runs=False)
    assert_nowhere(watch)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\0"], ids=["line feed", "line break", "NUL"])
def test_credential_that_no_header_can_carry_is_refused_and_nowhere_to_be_found(
    watch: Watch, ending: str
) -> None:
    configure(watch)
    site = watch.site
    (site.folder / "world" / "portal.secret").write_bytes(f"{site.portal.token}{ending}\n".encode())
    site.tables["portals"]["brand"]["token"] = {"file": "world/portal.secret"}
    site.write()
    look_everywhere(watch, "brand")
    refused = "damlink.toml: portals.brand.token: the secret holds a"
    assert sum(refused in said for said in watch.said) >= 3
    assert_nowhere(watch)


def look_everywhere(watch: Watch, portal: str, *, runs: bool = True) -> None:
    """Have it fail in every way that is written down or printed."""
    watch.run(*DEBUG, "bynder", portal, "users", "current", "--debug-request", expect=None)
    raw = ("bynder", portal, "raw", "GET", "/api/v4/users/")
    for options in ((), ("--include",), ("--response", "text"), ("--response", "bytes", "--output", "body")):
        watch.run(*raw, *options, expect=None)
    if runs:
        watch.run(*DEBUG_JSON, "run", "--json", "--limit", "1", expect=None)
        watch.run("runs", "stock", "--json")
        watch.run("assets", "stock", "--json")
    watch.run(*DEBUG, "check", "--debug-request", expect=None)
    watch.run("check", "--json", expect=None)


def assert_nowhere(watch: Watch, *more: str) -> None:
    """No secret was printed, and none is in a file."""
    portal = watch.site.portal
    exchanges = watch.site.sandbox.exchanges  # type: ignore[attr-defined]
    secrets = forms_of([portal.token, portal.client_secret, portal.consumer_secret, portal.oauth_token])
    secrets |= forms_of([portal.oauth_token_secret, *PARTNER_SECRETS, *more])
    secrets |= forms_of(
        token for each in exchanges for token in ISSUED.findall(each.answer.decode("latin-1"))
    )
    assert found(secrets, "\n".join(watch.said).encode()) == []
    assert [path.name for path in kept(watch.site) if found(secrets, path.read_bytes())] == []


# --- the steps -------------------------------------------------------------------------------------


def configure(watch: Watch) -> None:
    """Secrets that are kept in the database, entered at standard input."""
    watch.run("secret", "set", "istock-password", entered=SECRET_VALUES["ISTOCK_PASSWORD"])
    watch.run("secret", "set", "other", entered=KEPT)
    watch.run("secret", "list")


def run_with_failures(watch: Watch) -> None:
    """A connector's runs, while everything breaks that can."""
    site = watch.site
    fault(site, "istock", "GET /v3/downloads", "status", status=503, body="busy")
    fault(site, "istock-login", "POST", "status", status=500)
    fault(site, "istock-delivery", "GET", "truncate")
    fault(site, "s3", "POST", "status", status=403, body=f"<SignatureProvided>{ECHO}</SignatureProvided>")
    fault(site, "portal", "POST /api/v4/media/save", "cut-after")
    with watch.start(*DEBUG, "run", "--limit", "4", "--debug-request") as child:
        while child.poll() is None:
            watch.look(child)
            with contextlib.suppress(subprocess.TimeoutExpired):
                watch.said += child.communicate(timeout=0.1)
    assert child.returncode in (0, 1), watch.said
    shown = re.findall(r"curl .*?(/v3/downloads/|/api/v4/media/save/)", "\n".join(watch.said))
    assert set(shown) == {"/v3/downloads/", "/api/v4/media/save/"}
    site.tables["portals"]["brand"]["uploads"] = "v7"
    site.write()
    fault(site, "istock-delivery", "GET", "status", status=404, times=0)
    watch.run(*DEBUG_JSON, "run", "--limit", "2", expect=1)
    site.sandbox.world.faults.clear()
    watch.run(*DEBUG, "run", "--limit", "2")
    watch.run("status", "--json")
    watch.run("assets", "stock", "--json")
    watch.run("state", "show", "stock")


def sign_in(watch: Watch) -> None:
    """A person's consent; then tokens that have run out."""
    with watch.start(*DEBUG, "login", "person", "--no-browser") as child:
        assert child.stderr
        said = ""
        while not (address := re.search(r"^http://\S+$", said, re.MULTILINE)):
            said += child.stderr.readline()
        watch.look(child)
        httpx.get(address[0], follow_redirects=True)
        watch.said += [said, *child.communicate(timeout=60)]
    assert child.returncode == 0, watch.said[-1]
    for portal in ("person", "robot", "person", "robot"):
        watch.run(*DEBUG, "bynder", portal, "users", "current", "--debug-request")
        watch.site.portal.control("tokens", {"expire": True})


def call_the_portal(watch: Watch) -> None:
    """Commands to which a secret is entered, and whose requests are shown."""
    site = watch.site
    user = json.loads(watch.run("bynder", "old", "users", "current", "--debug-request"))
    new = ("--email", "new@portal.example", "--profile-id", user["profileId"], "--first-name", "A")
    create = (*DEBUG_JSON, "bynder", "old", "users", "create", *new, "--last-name", "B", "--password", "-")
    watch.run(*create, "--debug-request", entered=PASSWORD)
    watch.run(*create, "--debug-request", entered=PASSWORD, expect=1)  # there is such a user
    file = site.folder / "small.jpg"
    file.write_bytes(b"a small picture")
    uploads = ("bynder", "person", "uploads")
    watch.run(*DEBUG, *uploads, "init", "--filename", "a.jpg", "--debug-request", tells=True)
    saved = json.loads(watch.run(*DEBUG, *uploads, "file", "--file", str(file), "--debug-request"))
    asset = ("bynder", "person", "assets", "download", "--id", saved["target_id"])
    told = json.loads(watch.run(*DEBUG, *asset, "--debug-request", tells=True))
    fetch = ("bynder", "person", "raw", "GET", told["url"], "--response", "bytes", "--output")
    watch.run(*DEBUG, *fetch, str(site.folder / "fetched.jpg"), "--debug-request")
    watch.run(
        *DEBUG, "bynder", "old", "raw", "POST", "/api/nowhere", "--form", f"password={'x' * 9}", expect=1
    )


def refuse_credentials(watch: Watch) -> None:
    """What is said when credentials are wrong."""
    fault(
        watch.site,
        "portal",
        "POST /v6/authentication",
        "status",
        status=401,
        body='{"error":"invalid_client"}',
    )
    watch.run(*DEBUG, "bynder", "robot", "users", "current", expect=4)
    fault(watch.site, "istock-login", "POST", "status", status=401, body='{"error":"invalid_grant"}', times=0)
    watch.site.portal.control("tokens", {"revoke": True})
    watch.run(*DEBUG_JSON, "check", expect=4)
    watch.run(*DEBUG, "run", expect=4)


def key_of(site: Site) -> str:
    """The key of the database, which only its owner may read."""
    path = site.folder / "damlink.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path.read_text().strip()


def kept(site: Site) -> list[Path]:
    """All that Damlink has written; the sandbox's own files and the key are not it."""
    world = site.folder / "world"
    files = (path for path in site.folder.rglob("*") if path.is_file() and world not in path.parents)
    return sorted(path for path in files if path.name != "damlink.key")


def forms_of(values: Iterable[str]) -> set[str]:
    """Secrets as they are, as in an address, and as in a header."""
    return {
        form
        for value in values
        for form in (value, urllib.parse.quote(value, safe=""), base64.b64encode(value.encode()).decode())
    }


def issued(exchanges: Iterable[Exchange]) -> set[str]:
    """All secrets that the other side has given out: in answers, and in addresses that open a file."""
    gathered: set[str] = set()
    for each in exchanges:
        if each.answer_type == "application/json":
            gathered.update(ISSUED.findall(each.answer.decode()))
        if each.service in FILE_HOSTS:  # the key is in the query of one, and in the path of the other
            gathered.update(value for _, value in urllib.parse.parse_qsl(each.query) if len(value) >= 16)
            gathered.update(re.findall(r"(?<=^/file/).+", each.path))
        if each.path.endswith("/token"):
            gathered.update(value for name, value in each.form().items() if name not in NO_KEYS)
    assert len(gathered) > 10
    return forms_of(gathered)


def found(secrets: Iterable[str], data: bytes) -> list[str]:
    return sorted(secret for secret in secrets if secret.encode() in data)
