"""What every plugin must do, done by this one."""

from __future__ import annotations

from damlink.testing import ConnectorContract


class TestFolder(ConnectorContract):
    plugin = "folder"
