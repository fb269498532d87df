"""Every list has one shape: it can be read, knows its total where the portal tells it, and has pages."""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import httpx
import pytest
from portal_actions import Action, all_actions
from portal_answers import Call, noted_answer

from damlink._cli._derived import parameters_of
from damlink.bynder import AssetPage, CollectionPage, Listing, Page, Portal, Records
from damlink.bynder._listing import Pages

SHAPES: Final = (Listing, Records, Page, AssetPage, CollectionPage)
RETURNS: Final = {each: str(inspect.signature(each.method).return_annotation) for each in all_actions()}
NAMES: Final = "|".join(kind.__name__ for kind in SHAPES)
LISTS: Final = [action for action, kind in RETURNS.items() if re.match(NAMES, kind)]
# Arguments that a method needs though its signature does not say so, or of which it needs a list.
GIVEN: Final[Mapping[str, Mapping[str, Any]]] = {
    "access.add": {"users": ["x"]},
    "access.set_option": {"users": ["x"]},
    "assets.similar": {"text": "x"},
    "options.get": {"ids": ["x"]},
    "orders.get": {"id": "x"},
}


def answer(request: httpx.Request) -> httpx.Response:
    # It is noted with the answer to another parameter.
    if "/options/1/dependencies" in request.url.path:
        return httpx.Response(200, json=["a", "b"])
    return noted_answer(Call.of(request.method, request.url.path)).response()


@pytest.fixture
def noted() -> Iterator[Portal]:
    transport = httpx.MockTransport(answer)
    with Portal.with_token("https://portal.example", "t", pace=None, transport=transport) as portal:
        yield portal


def called(portal: Portal, action: Action) -> Any:
    """The list as the method returns it; `Action.call` would read it."""
    given = {each.name: "1" for each in parameters_of(action.method) if each.required}
    method: Callable[..., Any] = getattr(getattr(portal, action.resource), action.name)
    return method(**{**given, **GIVEN.get(str(action), {})})


def test_lists_when_counted_are_all_of_one_shape() -> None:
    other = re.compile(r"(Iterator|Sequence|Iterable|list|tuple)\[")
    assert [str(each) for each, kind in RETURNS.items() if other.match(kind)] == []
    assert len(LISTS) >= 60


@pytest.mark.parametrize("action", LISTS, ids=str)
def test_list_when_read_has_records_a_total_and_pages(action: Action, noted: Portal) -> None:
    found = called(noted, action)
    assert isinstance(found, SHAPES)
    assert found.total is None or found.total >= 0
    assert list(found) == list(called(noted, action))


@pytest.mark.parametrize("action", [each for each in LISTS if not each.name.endswith("page")], ids=str)
def test_list_when_its_pages_are_read_has_the_same_records(action: Action, noted: Portal) -> None:
    pages = list(called(noted, action).pages())
    assert [each for page in pages for each in page.items] == list(called(noted, action))
    assert all(hasattr(page, "total") for page in pages)


# --- at the wire ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "records"),
    [
        (lambda portal: portal.assets.list(limit=2, tags="counted"), 3),
        (lambda portal: portal.assets.list(ids=[]), 0),
        (lambda portal: portal.collections.list(limit=1, keyword="Counted"), 2),
        (lambda portal: portal.collections.list(ids=[]), 0),
        (lambda portal: portal.jobs.list(limit=1), 2),
    ],
    ids=["assets", "no-assets", "collections", "no-collections", "jobs"],
)
def test_total_when_the_portal_tells_it_is_that_of_all_pages(
    portal: Portal, control: Callable[..., Any], total: Callable[[Portal], Listing[Any]], records: int
) -> None:
    for number in range(3 - len(list(portal.assets.list(tags="counted")))):
        control("add_asset", name=f"C{number}", filename="c.jpg", size=2000, tags=["counted"])
    for number in range(2 - len(list(portal.jobs.list()))):
        portal.collections.create(name=f"Counted {number}")
        control("add_job", preset=control("add_preset")["id"])
    found = total(portal)
    assert (found.total, len(list(found)), found.total) == (records, records, records)


class Asked:
    """Counts the pages that are requested."""

    def __init__(self) -> None:
        self.pages = 0

    def __iter__(self) -> Pages[int]:
        for first in (0, 2, 4):
            self.pages += 1
            yield Page(items=(first, first + 1), total=6), first < 4


def test_list_when_nothing_is_read_requests_nothing() -> None:
    asked = Asked()
    Listing(iter(asked))
    assert asked.pages == 0


def test_list_when_only_its_total_is_read_requests_one_page_and_has_all_records_left() -> None:
    asked = Asked()
    found = Listing(iter(asked))
    assert (found.total, found.total, asked.pages) == (6, 6, 1)
    assert list(found) == [0, 1, 2, 3, 4, 5]


def test_list_when_it_is_used_up_still_knows_its_total() -> None:
    found = Listing(iter(Asked()))
    assert (len(list(found)), found.total) == (6, 6)


def test_list_when_a_loop_over_it_ends_early_leaves_no_thread() -> None:
    for _ in Listing(iter(Asked())):
        break
    assert not [each.name for each in threading.enumerate() if each.name.startswith("damlink-next-page")]


def test_list_when_it_is_closed_has_no_more_records() -> None:
    found = Listing(iter(Asked()))
    assert next(found) == 0
    found.close()
    assert list(found) == []


def test_records_when_compared_are_like_a_list_and_like_a_tuple() -> None:
    found = Records(["a", "b"])
    assert (found == ["a", "b"], found == ("a", "b"), found == ["a"], found[0]) == (True, True, False, "a")
    assert (found.total, found.items, [*found.pages()]) == (2, ("a", "b"), [found])
    assert Records(["a"], is_whole=False).total is None
