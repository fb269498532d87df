"""Test kit for plugins: the contract as a test class, and a connector to test step by step."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("damlink.testing.contract")  # before it is imported

from damlink.errors import ConfigError  # noqa: E402

try:
    import damlink_sandbox  # noqa: F401
except ModuleNotFoundError as error:
    message = f"the tests of plugins need {error.name}"
    raise ConfigError("", message, hint="install damlink-sandbox") from error

from damlink._http.retry import no_waiting  # noqa: E402
from damlink.testing.contract import ConnectorContract  # noqa: E402
from damlink.testing.trial import Trial, make_context  # noqa: E402

__all__ = ["ConnectorContract", "Trial", "make_context", "no_waiting"]
