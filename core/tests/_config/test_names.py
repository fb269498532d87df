from __future__ import annotations

import pytest

from damlink._config.names import is_key, key_of


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("stock-emea", "stock-emea"),
        ("Stock_1", "Stock_1"),
        ("EMEA Marketing", "emea-marketing"),
        ("Équipe", "equipe"),
        ("Straße & Søn", "strasse-son"),
        ('  Jane\'s "best" of  ', "janes-best-of"),
        ("日本", "connector"),
        ("../x", "x"),
    ],
)
def test_key_when_a_title_is_any_text_is_short_and_plain(title: str, key: str) -> None:
    assert key_of(title, ()) == key
    assert is_key(key)


@pytest.mark.parametrize(("taken", "key"), [(["equipe"], "equipe-2"), (["equipe", "equipe-2"], "equipe-3")])
def test_key_when_another_has_it_is_numbered(taken: list[str], key: str) -> None:
    assert key_of("Équipe", taken) == key
