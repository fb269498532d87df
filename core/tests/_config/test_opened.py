from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from canaries import CANARY

from damlink import Secret, setting
from damlink._config.load import opener
from damlink._config.parse import parse
from damlink.errors import ConfigError

WRONG = {
    "line feed at the end": ("s3cret\n", "a line break at its end"),
    "carriage return": ("s3cret\r\n", "a line break"),
    "line feed within": ("s3c\nret", "a line break within it"),
    "NUL": ("\0s3cret", "a NUL character at its beginning"),
    "tab": ("s3cret\t", "a tab at its end"),
    "escape": ("s3\x1bcret", "the character U+001B within it"),
    "delete": ("s3cret\x7f", "the character U+007F at its end"),
    "next line": ("s3cret\x85", "the character U+0085 at its end"),
    "line separator": ("s3cret\u2028", "the character U+2028 at its end"),
    "byte order mark": ("\ufeffs3cret", "the character U+FEFF at its beginning"),
}


@attrs.frozen
class Settings:
    key: Secret | None = setting(default=None)
    keys: tuple[Secret, ...] = setting(default=())
    user: str = setting(default="")


TABLES = {
    "key": {"key": {"env": "KEY"}},
    "keys": {"keys": [{"env": "KEY"}]},
    "user": {"user": {"env": "KEY"}},
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize(("value", "what"), WRONG.values(), ids=WRONG)
def test_secret_when_opened_with_a_control_character_is_refused_by_its_setting(
    value: str, what: str, table: dict[str, object]
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(Settings, table, "damlink.toml: connectors.a", lambda _ref, _place: value)
    assert str(caught.value).startswith(f"damlink.toml: connectors.a.{next(iter(table))}: the secret holds ")
    assert what in str(caught.value)
    assert "store it again without that character" in str(caught.value)
    assert "cret" not in str(caught.value).replace("secret", "")


def test_secret_when_empty_is_refused() -> None:
    with pytest.raises(ConfigError, match="a.key: the secret is empty"):
        parse(Settings, {"key": {"env": "KEY"}}, "a", lambda _ref, _place: "")


@pytest.mark.parametrize(
    "content", [CANARY, f"{CANARY}\n", f"{CANARY}\r\n"], ids=["no line break", "one", "one of Windows"]
)
def test_secret_file_with_one_final_line_break_is_opened_without_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "key.secret").write_bytes(content.encode())
    settings = parse(Settings, {"key": {"file": "key.secret"}}, "a", opener(tmp_path / "damlink.toml"))
    assert settings.key == Secret(CANARY)


@pytest.mark.parametrize(
    "content", ["s3cret\n\n", "s3cret\r", "\n"], ids=["two", "a lone return", "nothing else"]
)
def test_secret_file_with_another_line_break_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_bytes(content.encode())
    with pytest.raises(ConfigError, match=r"^a\.key: the secret (holds a line break|is empty)"):
        parse(Settings, {"key": {"file": "key"}}, "a", opener(tmp_path / "damlink.toml"))


def test_secret_with_umlauts_and_blanks_is_opened() -> None:
    settings = parse(Settings, {"key": {"env": "KEY"}}, "a", lambda _ref, _place: "geheim für Ärzte")
    assert settings.key == Secret("geheim für Ärzte")
