from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from damlink import Portal
from damlink.errors import BynderError


def test_document_when_read_has_its_text(portal: Portal, control: Callable[..., Any]) -> None:
    made = control("add_document", html="<p>Hello</p>")["id"]
    found = portal.documents.get(made)
    assert (found.id, found.html) == (made, "<p>Hello</p>")
    assert found.content.startswith('{"type": "doc"')


def test_document_when_unknown_is_an_error_with_the_text_of_the_portal(portal: Portal) -> None:
    with pytest.raises(BynderError, match="Document not found"):
        portal.documents.get("00000000-0000-0000-0000-000000000001")
