from __future__ import annotations

import hashlib
import io
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from damlink import Content, Portal
from damlink._http.client import open_client
from damlink._upload.given_source import UploadSource, open_given
from damlink.errors import ArgumentError
from damlink_sandbox import Sandbox

DATA = random.Random(5).randbytes(12 * 1024 * 1024 + 7)
SMALL = DATA[:300_000]


class StopError(Exception):
    pass


def piped(data: bytes) -> BinaryIO:
    end, begin = os.pipe()
    os.write(begin, data[:1000])
    os.close(begin)
    return os.fdopen(end, "rb")


def seekable(_folder: Path) -> UploadSource:
    stream = io.BytesIO(b"head" + SMALL)
    stream.seek(4)
    return stream


def from_path(folder: Path) -> UploadSource:
    (folder / "beach.jpg").write_bytes(SMALL)
    return folder / "beach.jpg"


SOURCES: dict[str, Callable[[Path], UploadSource]] = {
    "bytes": lambda _folder: SMALL,
    "bytearray": lambda _folder: bytearray(SMALL),
    "stream": seekable,
    "path": from_path,
    "text path": lambda folder: str(from_path(folder)),
    "content": lambda _folder: Content.from_bytes(SMALL, "beach.jpg"),
}


@pytest.fixture
def client() -> Iterator[Any]:
    with open_client("") as opened:
        yield opened


def read(
    source: UploadSource, client: Any, filename: str | None = "beach.jpg"
) -> tuple[bytes, str, int | None]:
    with open_given(source, filename, client) as content:
        return b"".join(content.open()), content.filename, content.size


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_source_when_read_gives_its_bytes_name_and_size(client: Any, tmp_path: Path, make: Any) -> None:
    assert read(make(tmp_path), client) == (SMALL, "beach.jpg", len(SMALL))


def test_source_when_it_can_be_read_once_is_read_again(client: Any) -> None:
    with piped(SMALL) as stream, open_given(stream, "beach.jpg", client) as content:
        assert b"".join(content.open()) == b"".join(content.open()) == SMALL[:1000]
        assert (content.size, b"".join(content.open(990))) == (1000, SMALL[990:1000])


def test_source_when_it_is_an_address_is_fetched_without_credentials(client: Any, server: Any) -> None:
    server.always(200, SMALL, headers={"Content-Type": "image/jpeg"})
    assert read(f"{server.url}/beach.jpg", client, None) == (SMALL, "beach.jpg", len(SMALL))
    assert {"authorization"} & server.asked[0].headers.keys() == set()


def test_source_when_it_is_an_open_file_has_its_name(client: Any, tmp_path: Path) -> None:
    with Path(str(from_path(tmp_path))).open("rb") as stream:
        assert read(stream, client, None) == (SMALL, "beach.jpg", len(SMALL))
        assert not stream.closed


@pytest.mark.parametrize(
    ("source", "filename", "said"),
    [
        (b"sand", None, "the file has no name; give it as `filename`"),
        (io.BytesIO(b"sand"), None, "the file has no name"),
        (io.StringIO("sand"), "a.txt", "the stream yields no bytes; open the file in the mode 'rb'"),
        (17, "a.txt", "17 cannot be uploaded"),
    ],
    ids=["bytes", "stream", "text", "number"],
)
def test_source_when_it_cannot_be_uploaded_says_why(
    client: Any, source: Any, filename: Any, said: str
) -> None:
    with pytest.raises(ArgumentError, match=said):
        read(source, client, filename)


# --- whole uploads ---------------------------------------------------------------------------------


def stored(sandbox: Sandbox, asset_id: str) -> Any:
    (found,) = [each for each in sandbox.part("bynder").state()["assets"] if each["id"] == asset_id]
    return found


@pytest.mark.parametrize("make", [SOURCES["bytes"], SOURCES["stream"]], ids=["bytes", "stream"])
def test_upload_file_when_called_saves_the_bytes_and_the_metadata(
    portal: Portal, sandbox: Sandbox, tmp_path: Path, tag: str, make: Any
) -> None:
    told = portal.upload_file(make(tmp_path), filename="beach.jpg", tags=tag, description="Of the sea")
    asset = stored(sandbox, told.target_id)
    assert (asset["name"], asset["tags"], asset["description"]) == ("beach", [tag], "Of the sea")
    assert portal.assets.download(told.target_id).save(tmp_path / "back.jpg").read_bytes() == SMALL


def test_upload_file_when_it_has_a_progress_reports_every_byte(portal: Portal) -> None:
    told: list[tuple[int, int]] = []
    portal.upload_file(DATA, filename="film.mov", progress=lambda *count: told.append(count))
    assert (told[0], told[-1]) == ((0, len(DATA)), (len(DATA), len(DATA)))
    assert told == sorted(told)


def breaking(offset: int) -> Iterator[bytes]:
    yield DATA[offset : len(DATA) - 1000]
    raise StopError


def test_upload_file_when_it_was_stopped_goes_on_by_its_notes(portal: Portal, tmp_path: Path) -> None:
    notes = tmp_path / "film.notes"
    with pytest.raises(StopError):
        portal.upload_file(Content("film.mov", breaking, size=len(DATA)), notes=notes)
    assert notes.exists()
    told: list[int] = []
    saved = portal.upload_file(
        DATA, filename="film.mov", notes=notes, progress=lambda sent, _: told.append(sent)
    )
    back = portal.assets.download(saved.target_id).save(tmp_path / "back.mov")
    assert hashlib.sha256(back.read_bytes()).digest() == hashlib.sha256(DATA).digest()
    assert (told[0] > 0, told[-1], notes.exists()) == (True, len(DATA), False)


def test_upload_file_when_its_progress_raises_stops(portal: Portal, tag: str) -> None:
    def stop(_sent: int, _total: int) -> None:
        raise StopError

    with pytest.raises(StopError):
        portal.upload_file(SMALL, filename="beach.jpg", tags=[tag], progress=stop)
    assert list(portal.assets.list(tags=[tag])) == []
