from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

from damlink import AssetRejectedError, NotYet, PushResult, SourceAsset, TransientError, UnclearError
from damlink.testing import Trial, no_waiting
from damlink_istock import licence
from damlink_istock.sandbox import IStockSandbox
from damlink_sandbox import Fault, Sandbox, Synthetic
from damlink_sandbox.garbage import GARBAGE

DOWNLOADS = "^POST /v3/downloads/"
PAGE = "<html>Please wait</html>"
GATEWAY = (400, 401, 403, 404, 408, 500, 502, 503)
MEDIA = [
    Synthetic("photo.jpg", 20_000, "image", 1, 600, 400),
    Synthetic("other.jpg", 20_001, "image", 2, 600, 400),
    Synthetic("drawing.eps", 20_002, "vector", 3, 600, 400),
]


@pytest.fixture
def settings() -> dict[str, Any]:
    return {}


@pytest.fixture
def trial(settings: dict[str, Any], tmp_path: Path) -> Iterator[Trial]:
    with _opened(settings, tmp_path) as trial:
        yield trial


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Trial]]:
    """A trial for each set of settings, for the tests that do not mind each other."""
    with contextlib.ExitStack() as closing:

        @functools.cache
        def open_trial(repeats: bool) -> Trial:
            folder = tmp_path_factory.mktemp("shared")
            return closing.enter_context(_opened({"repeat_unclear_downloads": repeats}, folder))

        yield open_trial


@pytest.fixture
def shared(opened: Callable[..., Trial], settings: dict[str, Any]) -> Iterator[Trial]:
    trial = opened(settings.get("repeat_unclear_downloads", True))
    trial.checkpoint(image()).put(licence=None, notice=None)
    with no_waiting():
        yield trial
    trial.sandbox.world.faults.clear()


@contextlib.contextmanager
def _opened(settings: dict[str, Any], folder: Path) -> Iterator[Trial]:
    for name in ("world", "trial"):
        (folder / name).mkdir()
    with (
        no_waiting(),
        Sandbox([IStockSandbox], folder=folder / "world", media=MEDIA) as sandbox,
        Trial("istock", sandbox, folder / "trial", settings) as trial,
    ):
        yield trial


def image(number: int = 1, *, vector: bool = False) -> SourceAsset:
    raw = {"kind": "image", "vector": vector, "title": "", "artist": "", "credit": "", "copyright": ""}
    raw |= {"licensed_size": "x_large", "licensed_height": 400, "sizes": [["x_large", 400]]}
    return SourceAsset(f"140000000{number}", "licensed", "A photo", raw)


def ask(trial: Trial, source: SourceAsset | None = None) -> str:
    source = source or image()
    return licence.file_uri(trial.context, source, trial.checkpoint(source))


def told(trial: Trial) -> str:
    return licence.notice(trial.checkpoint(image()))


def fail(trial: Trial, kind: str = "status", **more: Any) -> None:
    trial.sandbox.world.faults.add(Fault("istock", DOWNLOADS, kind, **more))


def asked(trial: Trial) -> int:
    return trial.asked(DOWNLOADS).total()


def paid(trial: Trial) -> int:
    return trial.sandbox.world.counts["licences"]


def control(trial: Trial, action: str, **body: Any) -> None:
    trial.sandbox.part("istock").control(action, body)


# --- the address -----------------------------------------------------------------------------------


def test_address_while_it_lives_is_used_again(trial: Trial) -> None:
    first = ask(trial)
    trial.clock.advance(timedelta(hours=22).total_seconds())
    assert ask(trial) == first
    assert (asked(trial), paid(trial), told(trial)) == (1, 1, "")


def test_address_when_it_has_expired_is_asked_for_anew_with_a_notice(trial: Trial) -> None:
    first = ask(trial)
    trial.clock.advance(timedelta(hours=24).total_seconds())
    assert ask(trial) != first
    assert (paid(trial), told(trial)) == (2, licence.EXPIRED)


@pytest.mark.parametrize("settings", [{"repeat_unclear_downloads": False}], ids=["no repeat"])
def test_address_when_it_has_expired_and_repeating_is_off_is_left_to_a_person(trial: Trial) -> None:
    ask(trial)
    trial.clock.advance(timedelta(hours=24).total_seconds())
    with pytest.raises(UnclearError, match="whose address has expired"):
        ask(trial)
    assert paid(trial) == 1


def test_address_when_it_has_expired_and_a_new_one_is_refused_stays_noted(trial: Trial) -> None:
    ask(trial)
    trial.clock.advance(timedelta(hours=24).total_seconds())
    noted = trial.checkpoint(image()).get("licence")
    fail(trial, status=429, times=20)
    with pytest.raises(TransientError):
        ask(trial)
    assert trial.checkpoint(image()).get("licence") == noted


# --- lost answers ----------------------------------------------------------------------------------


def test_answer_when_lost_is_asked_for_once_more_with_a_notice(trial: Trial) -> None:
    fail(trial, "cut-after")
    assert ask(trial)
    assert (asked(trial), paid(trial), told(trial)) == (2, 2, licence.NOTICE)


@pytest.mark.parametrize("settings", [{"repeat_unclear_downloads": False}], ids=["no repeat"])
def test_answer_when_lost_and_repeating_is_off_is_left_to_a_person(trial: Trial) -> None:
    fail(trial, "cut-after")
    for _ in range(2):
        with pytest.raises(UnclearError, match="may have charged"):
            ask(trial)
    assert (asked(trial), paid(trial)) == (1, 1)


def test_second_answer_when_lost_too_is_left_to_a_person(trial: Trial) -> None:
    fail(trial, "cut-after", times=2)
    for _ in range(2):
        with pytest.raises(UnclearError, match="2 times"):
            ask(trial)
    assert (asked(trial), paid(trial)) == (2, 2)


@pytest.mark.parametrize("crashes", [1, 2, 4])
def test_crash_between_asking_and_noting_costs_one_repeat_each_time(trial: Trial, crashes: int) -> None:
    trial.checkpoint(image()).put(licence={"asked": crashes})
    assert ask(trial)
    assert (asked(trial), told(trial)) == (1, licence.NOTICE)


def test_crashes_without_end_are_left_to_a_person(trial: Trial) -> None:
    trial.checkpoint(image()).put(licence={"asked": licence.MOST_REQUESTS})
    with pytest.raises(UnclearError, match="5 times"):
        ask(trial)
    assert asked(trial) == 0


# --- answers that say neither yes nor no -----------------------------------------------------------


UNCLEAR = {
    **{kind: {"kind": "garble", "garbage": kind} for kind in GARBAGE if kind != "other-type"},
    **{
        f"{status} of a gateway": {"kind": "status-after", "status": status, "body": PAGE}
        for status in GATEWAY
    },
    "503 in iStock's form": {"kind": "status-after", "status": 503, "body": '{"ErrorCode": "Busy"}'},
    "another form": {"kind": "status-after", "status": 404, "body": '{"detail": "Not here"}'},
    "no answer": {"kind": "cut-after"},
    "hang": {"kind": "hang", "seconds": 0.01},
    "redirect": {"kind": "status-after", "status": 302, "headers": {"Location": "/nowhere"}},
}


@pytest.mark.parametrize("answer", UNCLEAR.values(), ids=UNCLEAR)
def test_answer_when_it_is_unclear_is_asked_for_once_more_with_a_notice(
    shared: Trial, answer: dict[str, Any]
) -> None:
    before = paid(shared)
    fail(shared, **answer)
    assert ask(shared)
    assert (paid(shared) - before, told(shared)) == (2, licence.NOTICE)


@pytest.mark.parametrize("answer", UNCLEAR.values(), ids=UNCLEAR)
def test_answer_when_it_is_unclear_twice_is_left_to_a_person(shared: Trial, answer: dict[str, Any]) -> None:
    before = paid(shared)
    fail(shared, times=0, **answer)
    for _ in range(3):
        with pytest.raises(UnclearError, match="2 times; all may have been charged"):
            ask(shared)
    assert paid(shared) - before <= 2


@pytest.mark.parametrize("settings", [{"repeat_unclear_downloads": False}], ids=["no repeat"])
@pytest.mark.parametrize("answer", UNCLEAR.values(), ids=UNCLEAR)
def test_answer_when_it_is_unclear_and_repeating_is_off_is_paid_once(
    shared: Trial, answer: dict[str, Any]
) -> None:
    before = paid(shared)
    fail(shared, times=0, **answer)
    for _ in range(3):
        with pytest.raises(UnclearError, match="may have charged"):
            ask(shared)
    assert paid(shared) - before <= 1


def test_answer_when_only_its_type_is_wrong_is_clear(shared: Trial) -> None:
    before = paid(shared)
    fail(shared, "garble", garbage="other-type")
    assert ask(shared)
    assert (paid(shared) - before, told(shared)) == (1, "")


def test_outage_makes_one_asset_unclear_and_asks_for_nothing_that_costs(trial: Trial) -> None:
    trial.sandbox.world.faults.add(
        Fault("istock", "^POST /v3/downloads|^GET /v3/products", status=503, times=0)
    )
    with pytest.raises(TransientError, match="503"):
        ask(trial)
    with pytest.raises(TransientError, match="503"):
        ask(trial, image(2))
    assert asked(trial) == 1
    trial.sandbox.world.faults.clear()
    assert ask(trial, image(2))
    assert licence.notice(trial.checkpoint(image(2))) == ""


def test_429_is_waited_out_and_charged_once(trial: Trial) -> None:
    fail(trial, status=429, headers={"Retry-After": "1"}, times=2)
    assert ask(trial)
    assert (asked(trial), paid(trial), told(trial)) == (3, 1, "")


def test_403_of_a_rate_limit_is_waited_out_like_a_429(trial: Trial) -> None:
    fail(trial, status=403, body="Account Over Queries Per Second Limit", times=2)
    assert ask(trial)
    assert (asked(trial), paid(trial), told(trial)) == (3, 1, "")


# --- caps and allowances ---------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{"max_downloads_per_run": 1}], ids=["cap of one"])
def test_cap_when_reached_puts_the_rest_off_to_the_next_run(trial: Trial) -> None:
    assert ask(trial)
    with pytest.raises(NotYet, match="cap of 1") as pause:
        ask(trial, image(2))
    assert (pause.value.retry_after, asked(trial)) == (None, 1)
    assert ask(trial)  # an address that is known counts for nothing
    licence.reset_cap(trial.context)
    assert ask(trial, image(2))


def test_allowance_when_used_up_waits_until_it_is_renewed(trial: Trial) -> None:
    control(trial, "allowance", remaining=0)
    with pytest.raises(NotYet, match="allowance is used up") as pause:
        ask(trial)
    now = trial.context.now()
    renewed = (now.replace(day=1) + timedelta(days=32)).replace(day=1, hour=0, minute=0, second=0)
    assert pause.value.retry_after == pytest.approx((renewed - now).total_seconds(), abs=10)
    assert now.tzinfo is UTC


@pytest.mark.parametrize("settings", [{"license_model": "credits"}], ids=["credits"])
def test_credits_when_used_up_are_looked_at_again_after_a_while(trial: Trial) -> None:
    control(trial, "allowance", remaining=0, product_type="creditpack")
    with pytest.raises(NotYet) as pause:
        ask(trial)
    assert pause.value.retry_after == pytest.approx(licence.LIMIT_PAUSE.total_seconds(), abs=10)


# --- refusals --------------------------------------------------------------------------------------


def test_project_code_when_missing_rejects_the_asset_and_names_the_setting(trial: Trial) -> None:
    control(trial, "require_project_code")
    with pytest.raises(AssetRejectedError, match="project_code"):
        ask(trial)
    assert paid(trial) == 0


@pytest.mark.parametrize(
    "settings", [{"project_code": "P-100", "download_notes": "For the fair"}], ids=["both"]
)
def test_project_code_and_note_are_given_where_they_are_set(trial: Trial) -> None:
    control(trial, "require_project_code", note=True)
    assert ask(trial)


def test_asset_that_is_withdrawn_is_rejected(trial: Trial) -> None:
    control(trial, "withdraw", id="1400000001")
    with pytest.raises(AssetRejectedError, match="no longer offers it"):
        ask(trial)


def test_asset_to_be_had_from_a_person_only_is_rejected_and_stops_nothing(trial: Trial) -> None:
    control(trial, "call_for_image", id="1400000001")
    with pytest.raises(AssetRejectedError, match="does not let this account"):
        ask(trial)


def test_vector_without_an_eps_is_fetched_as_a_picture_and_paid_once(trial: Trial) -> None:
    assert ask(trial, image(1, vector=True))
    assert (asked(trial), paid(trial)) == (2, 1)


# --- the whole way ---------------------------------------------------------------------------------


def test_result_of_a_push_tells_of_a_second_charge(trial: Trial) -> None:
    fail(trial, "cut-after")
    result = trial.carry(image())
    assert isinstance(result, PushResult)
    assert result.notice == licence.NOTICE
