"""The mark of secrets: every secret of the sandbox contains it, so that a test finds one that has leaked."""

from __future__ import annotations

from typing import Final

__all__ = ["SECRET_MARK"]

# Hexadecimal digits: the same in JSON, in HTML and in an address.
SECRET_MARK: Final = "5ec2e75ec2e7"
