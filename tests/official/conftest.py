"""A portal behind TLS, with a certificate authority of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from certificates import TlsFiles, write_certificate

from damlink_sandbox import BynderSandbox, Sandbox


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """A certificate for 127.0.0.1, signed by an authority that nobody else knows."""
    return write_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def portal(tls: TlsFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A portal alone, served by https."""
    folder = tmp_path_factory.mktemp("portal")
    with Sandbox([BynderSandbox], folder=folder, tls=(str(tls.certificate), str(tls.key))) as sandbox:
        yield sandbox
