from __future__ import annotations

import re
from typing import Any

import pytest

CAMPAIGNS, JOBS, GROUPS = "/api/workflow/campaigns", "/api/workflow/jobs", "/api/workflow/groups"
CAMPAIGN = {"name": "Spring", "key": "SPRG", "dateStart": "2026-01-01T00:00:00", "deadline": "2026-02-01"}
DASHED = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def campaign(client: Any) -> str:
    return str(client.control("add_campaign", name="Spring", key="SPRG")["id"])


@pytest.fixture
def job(client: Any, campaign: str) -> str:
    preset = client.control("presets")[0]["id"]
    return str(client.control("add_job", name="Poster", campaign=campaign, preset=preset)["id"])


def test_campaign_when_created_answers_plain_hex_and_its_address(client: Any) -> None:
    made = client.portal.post(CAMPAIGNS, json=CAMPAIGN)
    location, plain = made.headers["location"], made.json()["id"]
    shown = client.portal.get(location).json()
    assert (made.status_code, list(made.json()), len(plain)) == (201, ["id"], 32)
    assert DASHED.fullmatch(shown["ID"])
    assert shown["ID"].replace("-", "") == plain
    assert (shown["dateStart"], shown["deadline"]) == ("2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00")
    assert [one["ID"] for one in client.portal.get(f"{CAMPAIGNS}/").json()] == [shown["ID"]]


def test_campaign_when_changed_keeps_what_is_not_sent(client: Any, campaign: str) -> None:
    answer = client.portal.put(f"{CAMPAIGNS}/{campaign}", json={"description": "New", "closed": True})
    shown = client.portal.get(f"{CAMPAIGNS}/{campaign.upper()}").json()
    assert (answer.status_code, answer.json()) == (201, {"id": campaign.replace("-", "")})
    assert (shown["description"], shown["closed"], shown["name"]) == ("New", True, "Spring")


@pytest.mark.parametrize(
    ("way", "codes"), [("both", [204, 204]), ("definition", [204, 404]), ("close", [404, 204])]
)
def test_campaign_when_closed_takes_the_path_its_portal_knows(
    client: Any, campaign: str, way: str, codes: list[int]
) -> None:
    client.control("settings", campaign_close=way)
    answers = [client.portal.post(f"{CAMPAIGNS}/{campaign}{end}") for end in ("", "/close")]
    assert [one.status_code for one in answers] == codes
    assert client.portal.get(f"{CAMPAIGNS}/{campaign}").json()["closed"] is True


def test_campaign_when_deleted_is_gone_with_its_jobs(client: Any, campaign: str, job: str) -> None:
    codes = [client.portal.delete(f"{CAMPAIGNS}/{campaign}").status_code for _ in range(2)]
    codes += [
        client.portal.get(f"{JOBS}/{job}").status_code,
        client.portal.post(f"{CAMPAIGNS}/{campaign}").status_code,
    ]
    assert codes == [204, 404, 404, 404]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "Spring"}, 400),
        ({"name": 1, "key": "SPRG"}, 400),
        ({**CAMPAIGN, "deadline": "soon"}, 400),
        ({**CAMPAIGN, "closed": "no"}, 400),
        ({**CAMPAIGN, "responsibleID": "0C4D1E52-7A63-4B81-9F20A1B2C3D4E5F6"}, 404),
    ],
    ids=["no key", "number for text", "no date", "text for boolean", "id of the asset bank"],
)
def test_campaign_when_a_field_is_wrong_is_refused_without_words(client: Any, body: Any, status: int) -> None:
    answer = client.portal.post(CAMPAIGNS, json=body)
    assert (answer.status_code, answer.json()) == (status, {})
    assert client.portal.post(CAMPAIGNS, data=CAMPAIGN).status_code == 400


def test_workflow_when_an_id_has_another_shape_is_404(client: Any, campaign: str) -> None:
    plain = campaign.replace("-", "")
    asset_bank = f"{plain[:8]}-{plain[8:12]}-{plain[12:16]}-{plain[16:]}".upper()
    answers = [client.portal.get(f"{CAMPAIGNS}/{one}") for one in (plain, asset_bank)]
    assert [(one.status_code, one.json()) for one in answers] == [(404, {}), (404, {})]


def test_job_when_created_has_the_stages_of_its_preset(client: Any, campaign: str) -> None:
    preset = client.control("add_preset", stages=["Draft", "Review"])
    stages = [{"preset_stage_id": preset["stages"][1], "name": "Check", "deadline": "2026-03-01"}]
    body = {"name": "Poster", "campaignID": campaign, "presetID": preset["id"], "stages": stages}
    made = client.portal.post(JOBS, json=body)
    assert (made.status_code, made.json()["status"]) == (201, "Created")
    job_id = made.json()["job_id"]
    shown, listed = (
        client.portal.get(f"{JOBS}/{job_id}").json(),
        client.portal.get(f"{JOBS}/{job_id}/stages").json(),
    )
    assert (shown["id"], shown["jobKey"], shown["basedOnPreset"]) == (job_id, "SPRG-1", True)
    assert [(one["name"], one["status"]) for one in listed] == [("Draft", "Active"), ("Check", "Idle")]
    assert listed[1]["deadline"] == "2026-03-01T00:00:00+00:00"
    assert (shown["job_previous_stage"], shown["job_next_stage"]["id"]) == ({}, listed[1]["id"])
    assert shown["jobFinishedHistory"] is None


def test_job_when_changed_moves_between_its_stages(client: Any, job: str) -> None:
    first, second, _ = client.portal.get(f"{JOBS}/{job}").json()["job_stages"]
    body = {
        "name": "Flyer",
        "previousStage": {"id": first["id"], "status": "Approved", "deadline": None},
        "activeStage": {"id": second["id"], "status": "Active", "deadline": "2026-03-01T00:00:00+00:00"},
    }
    changed = client.portal.put(f"{JOBS}/{job}", json=body)
    shown = client.portal.get(f"{JOBS}/{job}").json()
    assert (changed.status_code, changed.json()) == (200, {"status": "Updated", "job_id": job})
    assert (shown["name"], shown["job_previous_stage"]["status"]) == ("Flyer", "Approved")
    assert shown["job_active_stage"] == {"position": 2, "status": "Active", "id": second["id"]}
    wrong = {"activeStage": {"id": second["id"], "status": "Done"}}
    assert client.portal.put(f"{JOBS}/{job}", json=wrong).status_code == 400


def test_job_when_finished_early_or_twice_is_a_conflict(client: Any, job: str) -> None:
    path = f"{JOBS}/{job}/finish"
    early = client.portal.patch(path, json={})
    last = client.portal.get(f"{JOBS}/{job}").json()["job_stages"][-1]
    client.portal.put(f"{JOBS}/{job}", json={"activeStage": {"id": last["id"], "status": "Active"}})
    finished, again = client.portal.patch(path), client.portal.patch(path)
    assert (early.status_code, early.json()["status"]) == (409, "Job not on last stage.")
    assert (finished.status_code, finished.json()) == (200, {"status": "Finished", "job_id": job})
    assert (again.status_code, again.json()["message"]) == (409, "Re-open the job to finish again.")
    shown = client.portal.get(f"{JOBS}/{job}").json()
    assert shown["jobFinishedHistory"][0]["date"] == shown["dateFinished"]
    client.portal.put(f"{JOBS}/{job}", json={"activeStage": {"id": last["id"], "status": "Active"}})
    assert client.portal.patch(path).status_code == 200


def test_jobs_when_paged_count_in_headers(client: Any, campaign: str) -> None:
    for number in range(3):
        client.control("add_job", name=f"Job {number}", campaign=campaign)
    client.control("add_job", name="Elsewhere")
    page = client.portal.get(f"{CAMPAIGNS}/{campaign}/jobs", params={"limit": "2", "page": "2"})
    assert ([one["name"] for one in page.json()], page.headers["x-pagination-totalrecords"]) == (
        ["Job 2"],
        "3",
    )
    assert len(client.portal.get(JOBS).json()) == 4


def test_jobs_when_filtered_are_those_that_pass_every_filter(client: Any, campaign: str) -> None:
    person = "00000000-0000-0000-0000-000000000001"
    one = {"name": "One", "campaignID": campaign, "accountableID": person, "deadline": "2026-03-01"}
    two = {"name": "Two", "campaignID": campaign, "stages": [{"name": "S", "responsibleID": person}]}
    for body in (one, two, {"name": "Three", "campaignID": campaign, "deadline": "2026-01-01"}):
        assert client.portal.post(JOBS, json=body).status_code == 201

    def names(**query: str) -> list[str]:
        return [job["name"] for job in client.portal.get(JOBS, params=query).json()]

    assert names(accountableIDs=person) == ["One"]
    assert names(resonsibleIDs=person) == ["Two"]
    assert names(deadlineFrom="2026-02-01T00:00:00Z", deadlineTo="2026-04-01T00:00:00Z") == ["One"]
    assert names(orderBy="deadline asc") == ["Three", "One", "Two"]
    assert names(status="Approved,NeedsChanges") == []
    assert names(dateCreatedTo="2020-01-01T00:00:00Z") == []
    assert client.portal.get(JOBS, params={"orderBy": "colour"}).status_code == 400


def test_job_media_are_shown_with_previews_and_versions(client: Any, job: str) -> None:
    media_id = client.control("add_job_media", job=job, filename="draft.png")["id"]
    (media,) = client.portal.get(f"{JOBS}/{job}/media/").json()
    assert (media["id"], media["filename"], media["status"]) == (media_id, "draft.png", "AwaitingApproval")
    assert [one["type"] for one in media["previews"]] == ["thumbnail", "preview", "activity"]


def test_job_when_deleted_is_gone(client: Any, job: str) -> None:
    assert [client.portal.delete(f"{JOBS}/{job}").status_code for _ in range(2)] == [204, 404]


def test_preset_comes_wrapped_with_a_list_or_bare_with_one_stage(client: Any) -> None:
    path = f"/api/workflow/presets/job/{client.control('presets')[0]['id']}"
    wrapped = client.portal.get(path).json()["preset"]
    client.control("settings", wrapped_preset=False)
    bare = client.portal.get(path).json()
    assert [stage["position"] for stage in wrapped["presetstages"]] == [1, 2, 3]
    assert (bare["ID"], bare["presetstages"]["position"]) == (wrapped["ID"], "1.0")


def test_workflow_metaproperties_and_users_have_ids_of_workflow(client: Any) -> None:
    made = client.control("workflow_metaproperty", label="Season", options=["Winter"])["id"]
    path = "/api/workflow/metaproperties"
    assert [one["ID"] for one in client.portal.get(path).json()] == [made]
    assert client.portal.get(f"{path}/{made}").json()["options"][0]["metapropertyID"] == made
    (user,) = client.portal.get("/api/workflow/users/").json()
    own = client.portal.get("/api/v4/currentUser").json()["id"]
    assert user["ID"].replace("-", "") == own.replace("-", "").lower()
    assert client.portal.get(f"/api/workflow/users/{user['ID']}").json() == user
    assert client.portal.get(f"/api/workflow/users/{own}").status_code == 404


def test_workflow_groups_are_kept_with_their_users(client: Any) -> None:
    user = client.portal.get("/api/workflow/users").json()[0]["ID"]
    made = client.portal.post(f"{GROUPS}/", json={"name": "Reviewers", "user_ids": [user]})
    path = f"{GROUPS}/{made.json()['ID']}"
    assert (made.status_code, made.json()["users"][0]["ID"]) == (200, user)
    assert client.portal.put(path, json={"name": "Editors", "user_ids": []}).json()["users"] == []
    assert [one["name"] for one in client.portal.get(GROUPS).json()] == ["Editors"]
    assert [client.portal.delete(path).status_code, client.portal.get(path).status_code] == [204, 404]


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("GET", CAMPAIGNS, "CAMPAIGNOVERVIEW"),
        ("POST", CAMPAIGNS, "CAMPAIGNADD"),
        ("PUT", f"{CAMPAIGNS}/x", "CAMPAIGNEDIT"),
        ("POST", f"{CAMPAIGNS}/x", "CAMPAIGNWRITE"),
        ("DELETE", f"{CAMPAIGNS}/x", "CAMPAIGNREMOVE"),
        ("GET", JOBS, "JOBOVERVIEW"),
        ("GET", f"{CAMPAIGNS}/x/jobs", "CAMPAIGNOVERVIEW"),
        ("POST", JOBS, "JOBADD"),
        ("PUT", f"{JOBS}/x", "JOBEDIT"),
        ("DELETE", f"{JOBS}/x", "JOBREMOVE"),
        ("PATCH", f"{JOBS}/x/finish", "JOBAPPROVE"),
        ("GET", "/api/workflow/presets/job/x", "PRESETOVERVIEW"),
        ("GET", "/api/workflow/metaproperties", "METAPROPERTYOVERVIEW"),
    ],
)
def test_workflow_when_the_role_is_missing_is_an_empty_403(
    client: Any, method: str, path: str, role: str
) -> None:
    everything = client.portal.get(f"/api/v4/profiles/{_profile(client)}").json()["roles"]
    client.control("roles", roles=[one for one in everything if one != role])
    refused = client.portal.request(method, path)
    client.control("roles", roles=[role])
    assert (refused.status_code, refused.json()) == (403, {})
    assert client.portal.request(method, path).status_code != 403


def _profile(client: Any) -> str:
    return str(client.portal.get("/api/v4/currentUser").json()["profileId"])
