from __future__ import annotations

import base64
import html
import json
import logging
import re
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from damlink import Secret
from damlink._cli._logging import configure
from damlink._model import Finding
from damlink._secret import MOST_REMEMBERED, REDACTED, redact
from damlink.errors import AuthError, BynderError, ConfigError, NotYet, TransientError

SECRET = 'pa"ss/wo+rd & <geheim>'

FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "in a longer word": lambda secret: f"x{secret}x",
    "url-encoded": lambda secret: urllib.parse.quote(secret, safe=""),
    "url-encoded path": urllib.parse.quote,
    "form": urllib.parse.quote_plus,
    "form in lower case": lambda secret: re.sub(
        r"%..", lambda found: found[0].lower(), urllib.parse.quote_plus(secret)
    ),
    "json": json.dumps,
    "json with escaped slashes": lambda secret: json.dumps(secret).replace("/", r"\/"),
    "html": html.escape,
    "python": repr,
    "python bytes": lambda secret: repr(secret.encode()),
    "basic": lambda secret: base64.b64encode(f"user:{secret}".encode()).decode(),
    "basic of a longer user": lambda secret: base64.b64encode(f"user2:{secret}".encode()).decode(),
    "basic of another user": lambda secret: base64.b64encode(f"user10:{secret}".encode()).decode(),
    "basic in an address": lambda secret: urllib.parse.quote(
        base64.b64encode(f"a:{secret}".encode()).decode(), safe=""
    ),
    "base64 for addresses": lambda secret: base64.urlsafe_b64encode(f"a:{secret}".encode()).decode(),
}


@pytest.mark.parametrize("written", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("secret", [SECRET, "sesame-open-1234", "kürzlich geändert"])
def test_redact_when_a_revealed_secret_is_written_in_any_form_replaces_it(
    secret: str, written: Callable[[str], str]
) -> None:
    Secret(secret).reveal()
    text = redact(f"refused: {written(secret)}, sorry")
    assert REDACTED in text
    assert written(secret) not in text
    assert not any(part in text for part in (secret, base64.b64encode(secret.encode()).decode()[4:-4]))


@pytest.mark.parametrize(
    ("secret", "text", "expected"),
    [
        ("abc", "abc", "abc"),
        ("pass", "the password, pass", f"the password, {REDACTED}"),
        ("passwords", "mypasswords", f"my{REDACTED}"),
    ],
    ids=["too short", "short: whole words", "long: anywhere"],
)
def test_redact_when_a_secret_is_short_leaves_other_words_readable(
    secret: str, text: str, expected: str
) -> None:
    Secret(secret).reveal()
    assert redact(text) == expected


def test_redact_when_one_secret_is_part_of_another_leaves_no_rest() -> None:
    Secret("sesame-open").reveal()
    Secret("sesame-open-wide").reveal()
    assert redact("sesame-open-wide") == REDACTED


def test_redact_when_a_secret_was_never_revealed_leaves_the_text() -> None:
    assert Secret("never-revealed")
    assert redact("never-revealed") == "never-revealed"


def test_redact_when_very_many_tokens_came_and_went_knows_the_one_in_use() -> None:
    used = Secret("the-one-in-use")
    for number in range(2 * MOST_REMEMBERED):
        Secret(f"access-token-{number}").reveal()
        used.reveal()
    assert redact(f"the-one-in-use access-token-{number}") == f"{REDACTED} {REDACTED}"


def test_redact_when_many_threads_reveal_at_once_finds_all() -> None:
    values = [f"token-of-thread-{number:03}" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda value: Secret(value).reveal(), values))
    assert redact(" ".join(values)) == " ".join([REDACTED] * 200)


ERRORS: dict[str, Callable[[str], object]] = {
    "message": TransientError,
    "hint": lambda text: TransientError("failed", hint=text),
    "body": lambda text: BynderError("refused", body=text).body,
    "place": lambda text: ConfigError(text, "wrong"),
    "reason": lambda text: NotYet(text).reason,
    "arguments": lambda text: AuthError(text).args,
    "finding": lambda text: Finding("key", text).detail,
}


@pytest.mark.parametrize("made", ERRORS.values(), ids=ERRORS)
def test_error_when_made_from_a_text_with_a_secret_holds_none(made: Callable[[str], object]) -> None:
    Secret("sesame-open-1234").reveal()
    text = str(made("401: Bearer sesame-open-1234"))
    assert "sesame" not in text
    assert REDACTED in text


def test_error_when_the_secret_is_revealed_later_still_prints_none() -> None:
    error = TransientError("no token sesame-open-1234")
    Secret("sesame-open-1234").reveal()
    assert str(error) == f"no token {REDACTED}"


@pytest.fixture
def own_log() -> Iterator[Callable[[str, str], None]]:
    """Set up the log as the command line does, and leave it as it was."""
    log = logging.getLogger("damlink")
    handlers, level, propagate = [*log.handlers], log.level, log.propagate
    yield configure
    log.handlers[:], log.propagate = handlers, propagate
    log.setLevel(level)


@pytest.mark.parametrize("form", ["text", "json"])
def test_log_when_a_traceback_repeats_a_secret_has_none(
    form: str, capsys: pytest.CaptureFixture[str], own_log: Callable[[str, str], None]
) -> None:
    own_log("info", form)
    Secret("sesame-open-1234").reveal()
    logging.getLogger("damlink.test").error(
        "failed: %s", "sesame-open-1234", exc_info=ValueError("sesame-open-1234")
    )
    said = capsys.readouterr().err
    assert "sesame" not in said
    assert said.count(REDACTED) == 2
