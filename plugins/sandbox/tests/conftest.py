from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import httpx
import pytest

from damlink_sandbox import Fault, Sandbox

Post = Callable[..., httpx.Response]


@attrs.frozen
class Begun:
    """An upload after init, and what a client does with it."""

    portal: httpx.Client
    storage: httpx.Client
    answer: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.answer["s3file"]["uploadid"])

    @property
    def key(self) -> str:
        return str(self.answer["s3_filename"])

    def fields(self, number: int, count: int = 1) -> dict[str, str]:
        key = f"{self.key}/p{number}"
        own = {"Filename": key, "name": "a", "chunk": str(number), "chunks": str(count)}
        return {**self.answer["multipart_params"], "key": key, **own}

    def store(self, data: bytes, number: int = 1, **changes: Any) -> httpx.Response:
        return self.storage.post("/", data={**self.fields(number), **changes}, files={"file": ("a", data)})

    def register(self, number: int = 1) -> httpx.Response:
        fields = {"chunkNumber": str(number), "filename": f"{self.key}/p{number}"}
        return self.portal.post(f"/api/v4/upload/{self.id}", data={**fields, "targetid": self.target})

    @property
    def target(self) -> str:
        return str(self.answer["s3file"]["targetid"])

    def finalise(self, chunks: int = 1, **changes: str) -> httpx.Response:
        fields = {"targetid": self.target, "s3_filename": self.key, "chunks": str(chunks)}
        return self.portal.post(f"/api/v4/upload/{self.id}/", data={**fields, **changes})


@attrs.frozen
class Client:
    """A plain HTTP client of the sandbox's portal."""

    sandbox: Sandbox
    portal: httpx.Client
    storage: httpx.Client

    def begin(self, name: str = "beach.jpg") -> Begun:
        answer = self.portal.post("/api/upload/init", data={"filename": name}).json()
        return Begun(self.portal, self.storage, answer)

    def imported(self, data: bytes = b"beach", name: str = "beach.jpg") -> str:
        """An import id, converted."""
        begun = self.begin(name)
        begun.store(data)
        begun.register()
        import_id = begun.finalise(original_filename=name).json()["importId"]
        self.advance(1)
        return str(import_id)

    def save(self, import_id: str, **fields: str) -> httpx.Response:
        return self.portal.post(f"/api/v4/media/save/{import_id}/", data=fields)

    def saved(self, data: bytes = b"beach", **fields: str) -> str:
        """The id of a new asset, in lists already."""
        media_id = self.save(self.imported(data), **fields).json()["mediaid"]
        self.advance(1)
        return str(media_id)

    def advance(self, seconds: float) -> None:
        self.sandbox.world.clock.advance(seconds)

    def control(self, action: str, **body: Any) -> Any:
        return self.sandbox.part("bynder").control(action, body)

    def state(self) -> Any:
        return self.sandbox.part("bynder").state()

    def fault(self, **fields: Any) -> None:
        self.sandbox.world.faults.add(Fault(**fields))

    def ids(self, **query: str) -> list[str]:
        return [asset["id"] for asset in self.portal.get("/api/v4/media/", params=query).json()]


@pytest.fixture
def client() -> Iterator[Client]:
    """A portal of the test's own."""
    with _opened() as opened:
        yield opened


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    """One portal for the tests of a module that leave it as they found it, or do not mind each other."""
    with _opened() as opened:
        yield opened


@contextlib.contextmanager
def _opened() -> Iterator[Client]:
    with Sandbox([]) as sandbox:
        headers = {"Authorization": f"Bearer {sandbox.part('bynder').connector()['token']}"}
        portal = httpx.Client(
            base_url=sandbox.origins["portal"], headers=headers, trust_env=False, verify=False
        )
        storage = httpx.Client(base_url=sandbox.origins["s3"], trust_env=False, verify=False)
        with portal, storage:
            yield Client(sandbox, portal, storage)
