from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from damlink import AuthError, TransientError, UnclearError
from damlink.testing import Trial, no_waiting
from damlink_istock import api
from damlink_istock.sandbox import IStockSandbox
from damlink_sandbox import Fault, Sandbox, Synthetic

NOW = datetime(2026, 7, 1, tzinfo=UTC)
MEDIA = [Synthetic(f"photo-{seed}.jpg", 20_000, "image", seed, 600, 400) for seed in range(2)]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with (
        no_waiting(),
        Sandbox([IStockSandbox], folder=tmp_path_factory.mktemp("world"), media=MEDIA) as sandbox,
        Trial("istock", sandbox, tmp_path_factory.mktemp("trial")) as trial,
    ):
        yield trial


@pytest.fixture
def trial(shared: Trial) -> Iterator[Trial]:
    yield shared
    shared.sandbox.world.faults.clear()
    shared.sandbox.part("istock").control("expire_tokens", {"refresh": True})


def answer(trial: Trial, body: Any, match: str = "", service: str = "istock", **more: Any) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    trial.sandbox.world.faults.add(Fault(service, match, status=more.pop("status", 200), body=text, **more))


def listed(trial: Trial) -> list[api.DownloadRow]:
    ctx = trial.context
    pages = api.downloads(ctx.http, ctx.settings, NOW - timedelta(days=20), NOW, company=False)
    return [row for page in pages for row in page]


# --- downloads -------------------------------------------------------------------------------------


def test_row_with_no_more_than_id_and_date_is_read(trial: Trial) -> None:
    answer(trial, {"downloads": [{"id": 14, "date_downloaded": "2026-06-30T10:00:00"}]})
    (row,) = listed(trial)
    assert (str(row.id), row.kind, row.height, row.size_name) == ("14", "", 0, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-06-30T10:00:00.000", datetime(2026, 6, 30, 10, tzinfo=UTC), id="no zone"),
        pytest.param("2026-06-30T10:00:00Z", datetime(2026, 6, 30, 10, tzinfo=UTC), id="UTC"),
        pytest.param("2026-06-30T10:00:00-07:00", datetime(2026, 6, 30, 17, tzinfo=UTC), id="another zone"),
        pytest.param("2026-06-30T10:00:00.1234567", datetime(2026, 6, 30, 10, 0, 0, 123456, UTC), id="ticks"),
    ],
)
def test_moment_of_a_row_is_utc(text: str, expected: datetime) -> None:
    assert api.DownloadRow("1", text).moment == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [("Image", "image"), ("Film", "video"), ("film", "video"), ("Video", "video"), ("Music", "music")],
)
def test_kind_of_a_row_is_ours_where_we_have_a_word(word: str, expected: str) -> None:
    assert api.DownloadRow("1", "2026-06-30", word).kind == expected


def test_row_with_nulls_and_unknown_fields_is_read(trial: Trial) -> None:
    row = {"id": "7", "date_downloaded": "2026-06-30T10:00:00", "size_name": None, "dimensions": None}
    answer(trial, {"downloads": [row | {"user": {"username": "sam"}, "thumb_uri": None, "new": [1]}]})
    assert [found.height for found in listed(trial)] == [0]


def test_dimensions_without_a_height_are_none(trial: Trial) -> None:
    row = {"id": "7", "date_downloaded": "2026-06-30T10:00:00", "dimensions": {"width": 4.0, "height": None}}
    answer(trial, {"downloads": [row], "result_count": 1})
    assert [found.height for found in listed(trial)] == [0]


def test_page_that_is_full_is_followed_by_another_where_no_count_is_told(trial: Trial) -> None:
    rows = [{"id": number, "date_downloaded": "2026-06-30"} for number in range(api.PAGE)]
    answer(trial, {"downloads": rows})
    answer(trial, {"downloads": []})
    assert len(listed(trial)) == api.PAGE


def test_list_that_never_stops_shrinking_is_an_error(trial: Trial) -> None:
    rows = [{"id": number, "date_downloaded": "2026-06-30"} for number in range(api.PAGE)]
    for number in range(2 * api.MOST_READINGS):
        answer(trial, {"downloads": rows, "result_count": 900 - number})
    with pytest.raises(TransientError, match="keeps changing"):
        listed(trial)


@pytest.mark.parametrize(
    "body",
    ["", "null", "[]", "<html>", '{"downloads": [{}]}', '{"downloads": 7}', '{"downl'],
    ids=["empty", "null", "list", "html", "no id", "number", "half"],
)
def test_answer_of_another_shape_is_transient_and_names_the_call(trial: Trial, body: str) -> None:
    answer(trial, body)
    with pytest.raises(TransientError, match="/v3/downloads cannot be read"):
        listed(trial)


# --- metadata --------------------------------------------------------------------------------------


def test_metadata_with_no_more_than_an_id_is_read(trial: Trial) -> None:
    answer(trial, {"images": [{"id": 14}]})
    (known,) = api.metadata(trial.context.http, "image", ["14"]).values()
    assert (known.title, known.artist, known.download_sizes) == (None, None, None)


@pytest.mark.parametrize("body", [{}, {"images": []}, {"images_not_found": ["14"]}])
def test_metadata_of_assets_that_are_gone_is_none(trial: Trial, body: dict[str, Any]) -> None:
    answer(trial, body)
    assert api.metadata(trial.context.http, "image", ["14"]) == {}


def test_metadata_when_none_is_known_is_none(trial: Trial) -> None:
    assert api.metadata(trial.context.http, "video", ["14", "15"]) == {}


def test_metadata_of_nothing_is_not_asked_for(trial: Trial) -> None:
    before = trial.asked()
    assert api.metadata(trial.context.http, "image", []) == {}
    assert trial.asked() == before


def test_artist_with_a_comma_comes_as_one(trial: Trial) -> None:
    known = api.metadata(trial.context.http, "image", ["1400000002"])
    assert known["1400000002"].artist == "Smith, Jane"


# --- products and downloads ------------------------------------------------------------------------


def test_products_with_next_to_nothing_are_read(trial: Trial) -> None:
    answer(trial, {"products": [{}, {"type": "creditpack", "credits_remaining": 3, "name": "x"}]})
    assert [(product.type, product.id) for product in api.products(trial.context.http)] == [
        ("", None),
        ("creditpack", None),
    ]


@pytest.mark.parametrize("body", [{}, {"uri": None}, {"url": "http://127.0.0.1/"}, []], ids=str)
def test_download_without_an_address_is_no_address(trial: Trial, body: Any) -> None:
    answer(trial, body, "^POST")
    with pytest.raises(UnclearError, match="cannot be read"):
        api.download(trial.context.http, "image", "1400000001", trial.context.settings)


# --- tokens ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lifetime", [{"expires_in": "1800"}, {"expires_in": 1800}, {"expires_in": None}, {}], ids=str
)
def test_token_whose_life_is_told_in_whatever_way_is_used(trial: Trial, lifetime: dict[str, Any]) -> None:
    trial.sandbox.part("istock").control("expire_tokens", {})
    answer(trial, {"access_token": "made-up", "token_type": "Bearer", **lifetime}, service="istock-login")
    answer(trial, {"message": "Unauthorized"}, status=401)
    answer(trial, {"products": []})
    assert api.products(trial.context.http) == []


@pytest.mark.parametrize("body", ["<html>", "{}", "null", "[]"])
def test_token_answer_without_a_token_is_an_error_of_the_credentials(trial: Trial, body: str) -> None:
    trial.sandbox.part("istock").control("expire_tokens", {})
    answer(trial, body, service="istock-login", times=0)
    with pytest.raises(AuthError, match="gave no token"):
        api.products(trial.context.http)


def test_user_that_the_token_lacks_is_asked_for_by_its_settings(trial: Trial) -> None:
    answer(trial, {"ErrorCode": "UserTokenRequired"}, status=401, times=0)
    with pytest.raises(AuthError, match="set username and password"):
        api.products(trial.context.http)


def test_rate_limit_told_as_a_403_is_waited_out(trial: Trial) -> None:
    answer(trial, "Account Over Queries Per Second Limit", status=403, times=2)
    assert api.products(trial.context.http)
