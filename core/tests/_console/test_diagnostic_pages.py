from __future__ import annotations

import io
import zipfile
from typing import Any

import httpx
import pytest

from damlink._run.diagnostics import FOLDER, MEMBERS


@pytest.fixture
def packed(shown: Any) -> zipfile.ZipFile:
    cookies = dict(shown.client.cookies)
    answer = httpx.get(f"{shown.url}/diagnostics.zip", cookies=cookies, trust_env=False)
    assert answer.headers["content-type"] == "application/zip"
    assert 'filename="damlink-diagnostics.zip"' in answer.headers["content-disposition"]
    return zipfile.ZipFile(io.BytesIO(answer.content))


def test_download_is_the_file_of_the_command(packed: zipfile.ZipFile) -> None:
    assert packed.namelist() == [f"{FOLDER}/{name}" for name in MEMBERS]


def test_download_holds_no_secret(packed: zipfile.ZipFile) -> None:
    assert [name for name in packed.namelist() if b"a-token-that-no-page-may-show" in packed.read(name)] == []


def test_download_is_noted(shown: Any, packed: zipfile.ZipFile) -> None:
    assert shown.json("/activity")["entries"][0]["action"] == "diagnostics"


def test_page_when_shown_names_every_file_and_leads_to_it(shown: Any) -> None:
    page = shown.client.get("/diagnostics").text
    assert [name for name in MEMBERS if f'<th scope="row">{name}</th>' not in page] == []
    assert '<a href="/diagnostics.zip" download>' in page
