from __future__ import annotations

import http.server
import os
import ssl
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from certificates import TlsFiles, write_certificate

from damlink._http.client import open_client
from damlink._http.connection import Connection
from damlink.errors import ArgumentError, TransientError


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    return write_certificate(tmp_path_factory.mktemp("tls"))


class _Greeter(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def secured(files: TlsFiles) -> Iterator[str]:
    """A server that asks each client for a certificate of the authority."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Greeter)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(files.authority))
    context.load_cert_chain(files.certificate, files.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def trusting(files: TlsFiles) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(files.authority))


@pytest.mark.parametrize(
    "trust",
    [lambda files: files.authority, lambda files: str(files.authority), trusting, lambda _files: False],
    ids=["path", "text", "context", "nothing is verified"],
)
def test_connection_when_it_is_told_whom_to_trust_reaches_the_server(
    files: TlsFiles, secured: str, trust: Any
) -> None:
    with open_client(secured, connection=Connection(verify=trust(files))) as client:
        assert client.get("/").status_code == 200


def test_connection_when_the_environment_names_another_authority_trusts_that_one(
    files: TlsFiles, secured: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Connection().find_tls()
    monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
    with open_client(secured, connection=Connection()) as client:
        assert client.get("/").status_code == 200


def test_connection_when_the_authority_is_unknown_does_not_reach_the_server(
    secured: str, hurried: None
) -> None:
    with open_client(secured) as client, pytest.raises(TransientError, match="CERTIFICATE_VERIFY_FAILED"):
        client.get("/")


def test_connection_when_it_has_a_certificate_shows_it(files: TlsFiles) -> None:
    connection = Connection(cert=(files.certificate, files.key))
    assert isinstance(connection.find_tls(), ssl.SSLContext)


@pytest.mark.parametrize(
    "given",
    [{"verify": "/not/there.pem"}, {"cert": "/not/there.pem"}, {"cert": (__file__, __file__)}],
    ids=str,
)
def test_connection_when_a_file_of_certificates_is_unusable_says_so(given: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="cannot read the certificates: .*; give files in PEM format"):
        Connection(**given)


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1", "eth0"])
def test_connection_when_the_machine_does_not_have_the_local_address_says_so(address: str) -> None:
    with pytest.raises(ArgumentError, match=f"{address} is not an address of this machine; name one"):
        Connection(local_address=address)


OTHERS: list[dict[str, Any]] = [
    {"proxy": ""},
    {"verify": False},
    {"cert": os.devnull},
    {"local_address": "127.0.0.1"},
]


@pytest.mark.parametrize("other", OTHERS, ids=str)
def test_connection_when_a_transport_comes_with_what_it_replaces_is_refused(other: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="give them to the transport"):
        Connection(transport=httpx.HTTPTransport(), **other)


@pytest.mark.parametrize(
    ("timeout", "whole"),
    [
        (5, httpx.Timeout(5.0)),
        (None, httpx.Timeout(None)),
        (httpx.Timeout(1, read=9), httpx.Timeout(1, read=9)),
    ],
    ids=["seconds", "none", "each"],
)
def test_connection_when_it_has_time_outs_the_client_has_them(timeout: Any, whole: httpx.Timeout) -> None:
    with open_client("http://127.0.0.1:1", connection=Connection(timeout=timeout)) as client:
        assert client.timeout == whole


def test_connection_when_it_has_a_proxy_sends_every_request_there(server: Any) -> None:
    with open_client("http://portal.invalid", connection=Connection(proxy=server.url)) as client:
        client.get("/a")
    assert server.lines == ["GET http://portal.invalid/a"]


def test_connection_when_its_proxy_is_empty_passes_by_that_of_the_environment(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with open_client(server.url, connection=Connection(proxy="")) as client:
        client.get("/a")
    assert server.lines == ["GET /a"]


def test_connection_when_it_has_a_transport_asks_the_last_check_first() -> None:
    seen: list[str] = []
    transport = httpx.MockTransport(lambda request: seen.append(request.method) or httpx.Response(200))
    with open_client(
        "http://portal.invalid",
        verify_before_send=lambda: seen.append("check"),
        connection=Connection(transport=transport),
    ) as client:
        client.get("/a")
    assert seen == ["check", "GET"]
