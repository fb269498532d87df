"""The next page of a list is requested while its reader uses the last one."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from damlink._system.waiting import wait
from damlink.bynder._listing import Pages, read_ahead
from damlink.bynder._pages import Page, walk_cursors
from damlink.errors import TransientError


class Numbers:
    """Pages of ten numbers, and how many were requested."""

    def __init__(self, pages: int, ends_with: Exception | None = None) -> None:
        self.requested = 0
        self.second = threading.Event()
        self._pages = pages
        self._ends_with = ends_with

    def __iter__(self) -> Pages[int]:
        for page in range(self._pages):
            self.requested += 1
            if page == 1:
                self.second.set()
            yield range(page * 10, page * 10 + 10), page + 1 < self._pages or self._ends_with is not None
        if self._ends_with is not None:
            raise self._ends_with


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    yield
    assert not [each.name for each in threading.enumerate() if each.name.startswith("damlink-next-page")]


def test_list_when_read_to_its_end_has_every_record_in_order() -> None:
    pages = Numbers(3)
    assert list(read_ahead(iter(pages))) == list(range(30))
    assert pages.requested == 3


def test_list_when_one_page_is_in_use_requests_the_next_one_and_no_more() -> None:
    pages = Numbers(3)
    found = read_ahead(iter(pages))
    assert [next(found), next(found)] == [0, 1]
    assert pages.second.wait(10)
    assert [next(found) for _ in range(8)] == list(range(2, 10))
    assert pages.requested == 2
    found.close()  # type: ignore[attr-defined]


def test_list_when_only_its_first_record_is_read_requests_one_page() -> None:
    pages = Numbers(3)
    found = read_ahead(iter(pages))
    assert next(found) == 0
    found.close()  # type: ignore[attr-defined]
    assert pages.requested == 1


def test_list_when_the_next_page_fails_gives_the_records_before_the_error() -> None:
    found = read_ahead(iter(Numbers(1, TransientError("the portal is down"))))
    assert [next(found) for _ in range(10)] == list(range(10))
    with pytest.raises(TransientError, match="the portal is down"):
        next(found)


def test_list_when_closed_ends_the_waits_of_the_next_page() -> None:
    waits = threading.Event()

    def pages() -> Pages[int]:
        yield range(10), True
        waits.set()
        wait(3600)
        yield range(10), False

    found = read_ahead(pages())
    assert [next(found), next(found)] == [0, 1]
    assert waits.wait(10)
    found.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("cursors", "found"),
    [
        pytest.param({None: "b", "b": "c", "c": None}, ["None", "b", "c"], id="last without cursor"),
        pytest.param({None: "b", "b": "b"}, ["None", "b"], id="the same again"),
        pytest.param({None: "b", "b": "c", "c": "b"}, ["None", "b", "c"], id="in a circle"),
        pytest.param({None: "end"}, ["None"], id="last empty"),
    ],
)
def test_list_when_read_by_cursor_ends(cursors: dict[str | None, str | None], found: list[str]) -> None:
    def ask(cursor: str | None) -> Page[str]:
        known = cursor in cursors
        return Page(items=(str(cursor),) if known else (), next_cursor=cursors.get(cursor))

    assert list(walk_cursors(ask)) == found
