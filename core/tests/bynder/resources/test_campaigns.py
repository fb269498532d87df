from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from damlink import Portal
from damlink.bynder import Campaign, Job, JobPreset, Order, Stage
from damlink.bynder.records.workflow import workflow_id
from damlink.errors import BynderError, UnclearError

ID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"

# --- ids and records -------------------------------------------------------------------------------


@given(st.uuids())
def test_id_when_it_comes_in_any_form_is_the_one_that_calls_take(uuid: Any) -> None:
    dashed = str(uuid)
    elsewhere = (dashed[:23] + dashed[24:]).upper()
    assert {workflow_id(form) for form in (dashed, uuid.hex, elsewhere)} == {dashed}


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "id",
                "ID",
                "job_id",
                "closed",
                "job_stages",
                "presetstages",
                "deadline",
                "preset",
                "order_ref",
                "position",
                "date_created",
            ]
        ),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=4,
        ),
    )
)
def test_records_when_anything_comes_are_read(raw: dict[str, Any]) -> None:
    for kind in (Campaign, Job, JobPreset, Stage, Order):
        assert kind.read(raw).raw == raw


STAGE = {"ID": ID, "name": "Draft", "position": "1.0"}


@pytest.mark.parametrize(
    "answer",
    [
        {"ID": ID, "name": "Poster", "presetstages": STAGE},
        {"preset": {"ID": ID, "name": "Poster", "presetstages": [STAGE | {"position": 1}]}},
    ],
    ids=["bare, as published", "wrapped, as seen"],
)
def test_preset_when_it_comes_in_either_shape_is_read(served: Portal, server: Any, answer: Any) -> None:
    server.then(200, json.dumps(answer).encode())
    preset = served.jobs.preset(ID)
    assert (preset.id, preset.name) == (ID, "Poster")
    assert [(stage.id, stage.name, stage.position) for stage in preset.stages] == [(ID, "Draft", 1)]
    assert server.lines == [f"GET /api/workflow/presets/job/{ID}"]


# --- campaigns -------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [404, 405])
def test_close_when_the_published_path_is_not_there_uses_the_one_seen(
    served: Portal, server: Any, refusal: int
) -> None:
    server.then(refusal).then(204)
    served.campaigns.close(ID)
    assert server.lines == [f"POST /api/workflow/campaigns/{ID}", f"POST /api/workflow/campaigns/{ID}/close"]


def test_close_when_there_is_no_such_campaign_says_so_by_the_published_path(
    served: Portal, server: Any
) -> None:
    server.always(404)
    with pytest.raises(BynderError, match=f"POST /api/workflow/campaigns/{ID}\\)"):
        served.campaigns.close(ID)


def test_close_when_it_is_refused_otherwise_is_not_tried_elsewhere(served: Portal, server: Any) -> None:
    server.always(409)
    with pytest.raises(BynderError):
        served.campaigns.close(ID)
    assert len(server.asked) == 1


def test_campaign_when_written_has_bynders_names_and_forms(served: Portal, server: Any) -> None:
    server.then(201, json.dumps({"id": ID.replace("-", "")}).encode())
    moment = datetime(2026, 3, 4, 1, tzinfo=timezone(timedelta(hours=2)))
    made = served.campaigns.create(
        name="C", key="CCCC", date_start=moment, closed=False, metaproperties={ID: ID}, extra={"own": 1}
    )
    assert made.id == ID
    assert json.loads(server.asked[0].body) == {
        "name": "C",
        "key": "CCCC",
        "dateStart": "2026-03-03T23:00:00",
        "closed": False,
        "campaignMetaproperties": {ID: ID},
        "own": 1,
    }


def test_campaign_when_created_without_an_answer_is_unclear_and_sent_once(
    served: Portal, server: Any
) -> None:
    server.always(200, b"{}", cut=-1)
    with pytest.raises(UnclearError):
        served.campaigns.create(name="C", key="CCCC")
    assert len(server.asked) == 1


# --- jobs ------------------------------------------------------------------------------------------


def test_jobs_when_filtered_are_asked_for_in_bynders_names(served: Portal, server: Any) -> None:
    server.always(200, b"[]")
    jobs = served.jobs.list(
        date_created_from=datetime(2026, 1, 2),
        deadline_to=datetime(2026, 1, 2, 3, tzinfo=UTC),
        responsible_ids=[ID, "0F1E2D3C-4B5A-6978-8796A5B4C3D2E1F0"],
        status=["Approved", "NeedsChanges"],
        order_by="deadline asc",
        extra={"own": "1"},
    )
    assert list(jobs) == []
    assert parse_qs(urlsplit(server.asked[0].path).query) == {
        "dateCreatedFrom": ["2026-01-02T00:00:00Z"],
        "deadlineTo": ["2026-01-02T03:00:00Z"],
        "resonsibleIDs": [f"{ID},{ID}"],
        "status": ["Approved,NeedsChanges"],
        "orderBy": ["deadline asc"],
        "own": ["1"],
    }


def numbered(server: Any, count: int, size: int, *, headers: bool) -> None:
    """Serve pages of so many records, with or without totals in the headers."""

    def reply(asked: Any) -> Any:
        page = int(parse_qs(urlsplit(asked.path).query).get("page", "1")[0])
        rows = [{"id": str(number)} for number in range(count)][(page - 1) * size : page * size]
        facts = {"TotalRecords": count, "TotalPages": -(-count // size), "Page": page, "Limit": size}
        told = {f"X-Pagination-{name}": str(value) for name, value in facts.items()} if headers else {}
        return server.reply(200, json.dumps(rows).encode(), told)

    server.serve(reply)


@pytest.mark.parametrize(
    ("count", "size", "limit", "headers", "asked"),
    [
        (5, 2, 2, True, 3),
        (4, 2, 2, True, 2),
        (4, 2, 2, False, 3),
        (5, 2, 2, False, 3),
        (5, 9, None, False, 1),
        (5, 2, None, True, 3),
        (0, 2, 2, True, 1),
    ],
    ids=["counted", "just full", "just full, uncounted", "uncounted", "all", "all, capped", "none"],
)
def test_jobs_when_there_are_several_pages_are_all_listed_once(
    served: Portal, server: Any, count: int, size: int, limit: int | None, headers: bool, asked: int
) -> None:
    numbered(server, count, size, headers=headers)
    assert [job.id for job in served.jobs.list(limit=limit)] == [str(number) for number in range(count)]
    assert len(server.asked) == asked


def test_list_when_the_portal_knows_no_pages_comes_to_an_end(served: Portal, server: Any) -> None:
    server.always(200, b'[{"id": "1"}]')
    assert [user.id for user in served.users.list(limit=1)] == ["1"]


def test_list_when_nobody_reads_on_asks_for_no_more(served: Portal, server: Any) -> None:
    numbered(server, 100, 2, headers=True)
    assert next(iter(served.jobs.list(limit=2))).id == "0"
    assert len(server.asked) == 1


def test_job_when_it_lives_is_created_read_changed_and_finished(
    portal: Portal, control: Callable[..., Any]
) -> None:
    campaign, preset = control("add_campaign")["id"], control("add_preset", stages=["Only"])["id"]
    me = portal.users.current().id
    made = portal.jobs.create(name="Poster", campaign_id=campaign, accountable_id=me, preset_id=preset)
    portal.jobs.update(made.id, name="Banner", deadline=datetime(2031, 5, 6))
    found = portal.jobs.get(made.id)
    assert (found.name, found.campaign_id, found.deadline) == (
        "Banner",
        campaign,
        datetime(2031, 5, 6, tzinfo=UTC),
    )
    assert [stage.name for stage in portal.jobs.stages(made.id)] == ["Only"]
    control("add_job_media", job=made.id, filename="draft.png")
    assert [media.filename for media in portal.jobs.media(made.id)] == ["draft.png"]
    assert made.id in [job.id for job in portal.campaigns.jobs(campaign)]
    portal.jobs.delete(made.id)
    with pytest.raises(BynderError, match=made.id):
        portal.jobs.get(made.id)


def test_finish_when_the_portal_refuses_tells_its_words(served: Portal, server: Any) -> None:
    server.then(409, b'{"status": "Job already finished.", "message": "Re-open the job to finish again."}')
    with pytest.raises(BynderError, match="Re-open the job") as caught:
        served.jobs.finish(ID)
    assert caught.value.status == 409


# --- orders ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [{}, {"id": "1", "order_number": "2"}, {"id": ""}])
def test_order_when_not_named_once_is_not_asked_for(
    served: Portal, server: Any, names: dict[str, str]
) -> None:
    with pytest.raises(BynderError, match="by its id or by its number, and by one of them only"):
        served.orders.get(**names)
    assert server.asked == []


def test_order_when_it_lives_is_listed_read_and_changed(portal: Portal, control: Callable[..., Any]) -> None:
    made = control("add_order", reference="NA-77", lines=[{"name": "Poster", "quantity": 3}])
    order = next(order for order in portal.orders.list() if order.reference == "NA-77")
    (line,) = portal.orders.get(order_number="NA-77")
    assert (line.quantity, [each.id for each in portal.orders.get(made["id"])]) == (3, [line.id])
    assert order.created is not None
    portal.orders.update(made["id"], status="FINISHED", message="Done", tracking_number="1Z")
    info = portal.orders.info(made["id"])
    assert (info.status, info.reference) == ("FINISHED", "NA-77")


def test_order_when_changed_falls_back_to_the_path_others_use(served: Portal, server: Any) -> None:
    server.then(405).then(201, b"{}")
    served.orders.update("1", message="Done")
    assert server.lines == ["POST /api/store/order/1/products", "POST /api/store/order/1"]
    assert [asked.body for asked in server.asked] == [b"message=Done"] * 2


def test_orders_when_listed_are_asked_for_in_pages_of_ten(served: Portal, server: Any) -> None:
    numbered(server, 20, 10, headers=False)
    assert len(list(served.orders.list())) == 20
    assert [re.sub(r".*page=", "", line) for line in server.lines] == ["1", "2", "3"]
