from __future__ import annotations

import keyword

import pytest

from damlink._scaffold.names import Names, name_problem

INSTALLED = {"stock", "damlink-forms"}


@pytest.mark.parametrize("name", ["acme", "acme-stock", "a1", "damlink-acme", "x" * 30])
def test_name_when_it_is_plain_is_usable(name: str) -> None:
    assert name_problem(name, INSTALLED) == ""


@pytest.mark.parametrize(
    ("name", "cure"),
    [
        ("Acme", "such as acme"),
        ("my stock", "such as my-stock"),
        ("my_stock", "such as my-stock"),
        ("Käse & Brot", "such as kase-brot"),
        ("4images", "such as images"),
        ("../acme", "such as acme"),
        ("a--b", "such as a-b"),
        ("acme\n", "such as acme"),
        ("", "beginning with a letter"),
        ("-", "beginning with a letter"),
        ("日本", "beginning with a letter"),
        ("x" * 31, "choose a shorter one"),
        ("class", "such as class-library"),
        ("sandbox", "such as sandbox-library"),
        ("damlink-core", "such as core-library"),
        ("stock", "pip uninstall damlink-stock"),
        ("damlink-stock", "pip uninstall damlink-stock"),
        ("forms", "pip uninstall damlink-forms"),
    ],
)
def test_name_when_it_is_hostile_or_taken_says_what_to_write(name: str, cure: str) -> None:
    assert cure in name_problem(name, INSTALLED)


@pytest.mark.parametrize("word", [*keyword.kwlist, *keyword.softkwlist])
def test_name_when_it_is_a_keyword_is_refused(word: str) -> None:
    assert name_problem(word, ())


@pytest.mark.parametrize("given", ["acme-stock", "damlink-acme-stock"])
def test_names_when_given_with_the_prefix_are_the_same_plugin(given: str) -> None:
    names = Names.of(given)
    assert (names.folder, names.distribution) == (given, "damlink-acme-stock")
    assert (names.package, names.title, names.cls) == ("damlink_acme_stock", "Acme Stock", "AcmeStock")
