"""The console beside `damlink serve`: on loopback alone, or with users and TLS."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from canaries import KEY
from certificates import write_certificate
from oidc_issuer import CLIENT_SECRET, FakeIssuer
from ports import free_port
from scripted_server import Server

from damlink._cli import main
from damlink._config.load import loads
from damlink._console.service import ConsoleService
from damlink._run.session import Session
from damlink._secrets.passwords import hash_password
from damlink._state.access import Access
from damlink._state.users import Role, Users
from damlink.errors import ConfigError

PASSWORD = "correct horse battery"
REFUSED = {
    "every-address": ('listen = "0.0.0.0:0"', "set public_url"),
    "another-address": ('listen = "192.0.2.1:0"', "set public_url"),
    "no-tls": ('listen = "0.0.0.0:0"\npublic_url = "https://damlink.example"', "behind_proxy = true"),
    "no-users": ('public_url = "https://damlink.example"\nbehind_proxy = true', "damlink users add"),
    "no-address": ('listen = "localhost"', "127.0.0.1:PORT"),
    "no-certificate": (
        'public_url = "https://d.example"\ntls_certificate = "a"\ntls_private_key = "b"',
        "damlink users add",
    ),
}


def _session(folder: Path, console: str) -> Session:
    text = f"[console]\nenabled = true\n{console}\n"
    (folder / "damlink.toml").write_text(text)
    return Session(loads(text, folder / "damlink.toml"))


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAMLINK_KEY", KEY)


OIDC = """
public_url = "https://damlink.example"
behind_proxy = true
[console.oidc]
issuer = "https://login.example"
client_id = "console"
client_secret = { env = "OIDC_SECRET" }
"""


def test_console_when_administrators_come_from_an_issuer_needs_no_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OIDC_SECRET", "a-secret-of-the-client")
    with _session(tmp_path, f'listen = "127.0.0.1:0"{OIDC}administrators = ["dam"]') as session:
        assert _started_page(session) == 401


def test_console_when_no_administrator_comes_from_its_issuer_does_not_start(tmp_path: Path) -> None:
    with (
        _session(tmp_path, f'{OIDC}viewers = ["dam"]') as session,
        pytest.raises(ConfigError, match=r"administrators in \[console.oidc\]"),
    ):
        ConsoleService(session, on_listening=print)


def test_console_when_the_secret_of_its_client_is_missing_does_not_start(tmp_path: Path) -> None:
    with (
        _session(tmp_path, f'{OIDC}administrators = ["dam"]') as session,
        pytest.raises(ConfigError, match=r"console.oidc.client_secret: .*OIDC_SECRET is not set"),
    ):
        ConsoleService(session, on_listening=print)


def test_sign_in_when_over_tls_has_a_cookie_that_no_other_host_can_set_and_comes_back_to_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    monkeypatch.setenv("OIDC_SECRET", CLIENT_SECRET)
    FakeIssuer(server, lambda: datetime.now(UTC))
    files, port = write_certificate(tmp_path), free_port()
    console = f'''listen = "127.0.0.1:{port}"
tls_certificate = "{files.certificate.name}"
tls_private_key = "{files.key.name}"
{OIDC}
administrators = ["dam-admins"]'''
    console = console.replace("https://damlink.example", f"https://127.0.0.1:{port}")
    console = console.replace("https://login.example", server.url)
    context = ssl.create_default_context(cafile=str(files.authority))
    with (
        _session(tmp_path, console) as session,
        _started(session) as url,
        httpx.Client(base_url=url, verify=context, trust_env=False) as client,
    ):
        begun = client.get("/oidc/begin")
        assert begun.headers["set-cookie"].startswith("__Host-damlink_oidc=")
        assert "; Secure" in begun.headers["set-cookie"]
        back = client.get(begun.headers["location"]).headers["location"]
        assert back.startswith(f"{url}oidc/callback?")
        assert client.get(back).status_code == 200
        assert client.get("/").status_code == 200


def _started_page(session: Session) -> int:
    """Start the console behind a proxy, and return the status of its first page."""
    service = ConsoleService(session, on_listening=str)
    service.start()
    try:
        url = f"http://127.0.0.1:{service._bound.getsockname()[1]}/"
        answer = httpx.get(url, headers={"Host": "damlink.example", "Accept": "text/html"}, trust_env=False)
        assert "Sign in at https://login.example" in answer.text
        return answer.status_code
    finally:
        service.stop()
        assert service.join(60)


@contextlib.contextmanager
def _started(session: Session) -> Iterator[str]:
    said: list[str] = []
    service = ConsoleService(session, on_listening=said.append)
    service.start()
    try:
        yield said[0]
    finally:
        service.stop()
        assert service.join(60)


@pytest.mark.parametrize(("console", "cure"), REFUSED.values(), ids=list(REFUSED))
def test_console_when_reached_from_elsewhere_without_what_it_needs_does_not_start(
    tmp_path: Path, console: str, cure: str
) -> None:
    with _session(tmp_path, console) as session, pytest.raises(ConfigError, match=cure) as refused:
        ConsoleService(session, on_listening=print)
    assert refused.value.exit_code == 3


def test_serve_when_its_console_is_refused_ends_with_3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _session(tmp_path, 'listen = "0.0.0.0:0"')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--port", "0"])
    assert ended.value.code == 3
    assert "reached from elsewhere" in capsys.readouterr().err


def test_console_when_on_loopback_lets_in_the_person_at_the_machine(tmp_path: Path) -> None:
    with _session(tmp_path, 'listen = "127.0.0.1:0"') as session, _started(session) as url:
        link = Access(session.database).make_link("")
        with httpx.Client(base_url=url, trust_env=False) as client:
            assert client.get("/").status_code == 401
            assert client.get("/enter", params={"link": link}).status_code == 303
            assert client.get("/").status_code == 200


def _add_administrator(session: Session) -> None:
    Users(session.database).add("ann", Role.ADMINISTRATOR, hash_password(PASSWORD))


def test_console_when_over_tls_takes_a_cookie_that_no_other_host_can_set(tmp_path: Path) -> None:
    files, port = write_certificate(tmp_path), free_port()
    console = f'''listen = "127.0.0.1:{port}"
public_url = "https://127.0.0.1:{port}"
tls_certificate = "{files.certificate.name}"
tls_private_key = "{files.key.name}"'''
    with _session(tmp_path, console) as session:
        _add_administrator(session)
        context = ssl.create_default_context(cafile=str(files.authority))
        with _started(session) as url, httpx.Client(base_url=url, verify=context, trust_env=False) as client:
            form, origin = {"name": "ann", "password": PASSWORD}, url.rstrip("/")
            plain = client.post("/login", data=form, headers={"Origin": f"http://127.0.0.1:{port}"})
            answer = client.post("/login", data=form, headers={"Origin": origin})
            assert (plain.status_code, answer.status_code) == (403, 303), answer.text
            assert answer.headers["set-cookie"].startswith("__Host-damlink_console=")
            assert "Secure" in answer.headers["set-cookie"]
            assert client.get("/").headers["strict-transport-security"]
            link = Access(session.database).make_link("")
            assert client.get("/enter", params={"link": link}).status_code == 401


@pytest.mark.parametrize(
    ("host", "status"), [("damlink.example", 303), ("127.0.0.1", 421), ("evil.example", 421)]
)
def test_console_when_behind_a_proxy_answers_to_the_name_that_the_proxy_passes_on(
    tmp_path: Path, host: str, status: int
) -> None:
    console = 'listen = "0.0.0.0:0"\npublic_url = "https://damlink.example"\nbehind_proxy = true'
    with _session(tmp_path, console) as session:
        _add_administrator(session)
        said: list[Any] = []
        service = ConsoleService(session, on_listening=said.append)
        service.start()
        try:
            port = service._bound.getsockname()[1]
            headers = {"Host": host, "Origin": f"https://{host}"}
            form = {"name": "ann", "password": PASSWORD}
            url = f"http://127.0.0.1:{port}/login"
            assert httpx.post(url, data=form, headers=headers, trust_env=False).status_code == status
        finally:
            service.stop()
            assert service.join(60)
    assert said == ["https://damlink.example/"]
