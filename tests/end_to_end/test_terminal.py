"""What a person at a terminal is asked and shown, on a pseudo terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
import types
from typing import Self

import pytest
from loopback import COMMAND, SECRET_VALUES, Site, assert_arrived_once_and_whole

from damlink.sandbox import Fault

PATIENCE_SECONDS = 60.0
CONTROLS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
QUESTIONS = ["send_to_waiting_room", "api_key", "api_secret", "username", "password", "refresh_token"]
QUESTIONS += ["license_model", "include_videos", "sync_after"]


def _hear_interrupts() -> None:
    """As a shell's job in the foreground does, wherever the tests themselves run."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """A child process that believes a person sits in front of it; a context manager."""

    def __init__(self, site: Site, *arguments: str) -> None:
        self._near, far = pty.openpty()
        termios.tcsetwinsize(far, (24, 100))
        self.child = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=site.folder,
            env=site.environment | {"TERM": "xterm-256color"},
            stdin=far,
            stdout=far,
            stderr=far,
            preexec_fn=_hear_interrupts,
            start_new_session=True,  # or it would ask for passwords on the terminal of whoever tests
        )
        os.close(far)
        self._raw = b""
        self._read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> None:
        self.child.kill()
        self.child.wait()
        os.close(self._near)

    @property
    def shown(self) -> str:
        """All that has been written so far, without control sequences."""
        return CONTROLS.sub("", self._raw.decode(errors="replace"))

    def expect(self, text: str) -> None:
        """Read on until a text appears behind what was expected last."""
        while (found := self.shown.find(text, self._read)) < 0:
            assert self._more(), f"no {text!r} in:\n{self.shown[self._read :]}"
        self._read = found + len(text)

    def answer(self, question: str, text: str) -> None:
        """Wait for a question, and type an answer."""
        self.expect(f"\n{question}")
        self.expect(":")
        os.write(self._near, f"{text}\n".encode())

    def end(self) -> str:
        """Read to the end; all that was shown."""
        while self._more():
            pass
        self.child.wait(timeout=PATIENCE_SECONDS)
        return self.shown

    def _more(self) -> bool:
        deadline = time.monotonic() + PATIENCE_SECONDS
        ready, _, _ = select.select([self._near], [], [], deadline - time.monotonic())
        piece = b""
        with contextlib.suppress(OSError):  # so Linux says that the other end is closed
            piece = os.read(self._near, 65536) if ready else b""
        self._raw += piece
        return bool(piece)


def sets(site: Site) -> list[str]:
    """All settings that are no part of what these tests ask for."""
    origins = site.sandbox.origins
    given = {
        "api_url": origins["istock"],
        "token_url": f"{origins['istock-login']}/oauth2/token",
        "authorize_url": origins["istock-login"],
        "requests_per_second": "500.0",
        "sync_organization_assets": "true",
        "download_size": '""',
        "project_code": '""',
        "download_notes": '""',
        "use_team_credits": "false",
        "repeat_unclear_downloads": "true",
        "max_downloads_per_run": "50",
        "product_id": "4711",
    }
    return [word for key, value in given.items() for word in ("--set", f"{key}={value}")]


def test_add_asks_in_the_order_of_the_settings_and_keeps_what_it_is_told(site: Site) -> None:
    site.tables["connectors"] = {}
    site.write()
    answers = ["", SECRET_VALUES["ISTOCK_API_KEY"], SECRET_VALUES["ISTOCK_API_SECRET"]]
    answers += [SECRET_VALUES["ISTOCK_USERNAME"], SECRET_VALUES["ISTOCK_PASSWORD"], "", "", "y", "2025-01-01"]
    with Terminal(site, "add", "stock", "--plugin", "istock", *sets(site)) as terminal:
        for question, answer in zip(QUESTIONS, answers, strict=True):
            terminal.answer(question, answer)
        shown = terminal.end()
    assert terminal.child.returncode == 0, shown
    written = (site.folder / "damlink.toml").read_text()
    assert 'api_key = {secret = "stock.api_key"}' in written
    assert "include_videos = true\nsync_after = 2025-01-01\n" in written
    assert "license_model" not in written
    assert "sandbox-password" not in shown + written
    assert "sandbox-istock" not in shown + written
    site.run("run", "--limit", "1")
    assert_arrived_once_and_whole(site, {*site.stored()})


def test_add_when_interrupted_at_a_question_changes_nothing(site: Site) -> None:
    before = (site.folder / "damlink.toml").read_text()
    with Terminal(site, "add", "other", "--plugin", "istock", *sets(site)) as terminal:
        terminal.answer("send_to_waiting_room", "y")
        terminal.expect("api_key")
        terminal.child.send_signal(signal.SIGINT)
        shown = terminal.end()
    assert terminal.child.returncode == 130
    assert shown.endswith("damlink: interrupted\n")
    assert (site.folder / "damlink.toml").read_text() == before


def test_edit_asks_for_one_setting_and_changes_it(site: Site) -> None:
    with Terminal(site, "edit", "stock", "--no-check") as terminal:
        terminal.answer("setting", "include_videos")
        terminal.answer("include_videos", "n")
        shown = terminal.end()
    assert terminal.child.returncode == 0, shown
    assert "include_videos = True\n" in shown
    assert "include_videos" not in (site.folder / "damlink.toml").read_text()  # so it is by default


@pytest.fixture
def slow(site: Site) -> Site:
    """Every download takes a moment, so that the display can be seen."""
    fault = Fault(service="istock-delivery", match="GET /file", kind="delay", times=0, seconds=0.2)
    site.sandbox.world.faults.add(fault)
    return site


def test_run_shows_what_is_going_on_and_ends_with_the_summary(slow: Site) -> None:
    count = len(slow.licensed())
    with Terminal(slow, "run") as terminal:
        shown = terminal.end()
    assert terminal.child.returncode == 0, shown
    assert re.search(rf"stock  [1-9]\d* of {count} assets  [\d.]+ [kM]B  [\d.]+ [kM]?B/s", shown)
    assert re.search(rf"stock: {count} pushed \([\d.]+ MB\), \d+ unchanged, in [\d.]+ s\n$", shown)
    assert_arrived_once_and_whole(slow, {*slow.licensed()})


def test_run_when_interrupted_says_so_and_the_next_goes_on(slow: Site) -> None:
    slow.istock.control("license", {"count": 100, "size": 10_000})  # so that it cannot end before the signal
    with Terminal(slow, "run") as terminal:
        terminal.expect("1 of")
        terminal.child.send_signal(signal.SIGINT)
        shown = terminal.end()
    assert terminal.child.returncode == 130, shown
    assert "damlink: stock: interrupted; the next run goes on from here\n" in shown
    slow.run("run")
    assert_arrived_once_and_whole(slow, {*slow.licensed()})
