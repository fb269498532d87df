"""The words of the code: verbs for functions, imperatives for docstrings, one term for one thing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

import pytest
from workspace import figures

# Words that stand for a technical fact in no technical text; docs/reference/glossary.md has the terms.
BANNED: Final = re.compile(
    r"\b(told|nobody|whoever|heard|brought|judged|patience|besides|at hand|word of|keeps its own counsel)\b",
    re.I,
)
# A function's docstring opens with an imperative. These open a noun phrase or a clause.
NO_VERBS: Final = frozenset(
    {
        *("A", "An", "The", "All", "Any", "Each", "Every", "Both", "Some", "This", "That", "These", "Those"),
        *(
            "Its",
            "It",
            "One",
            "Two",
            "What",
            "Whether",
            "How",
            "Who",
            "Where",
            "Which",
            "Whose",
            "When",
            "If",
        ),
        *("As", "For", "From", "In", "Of", "On", "To", "With", "By", "So", "Nothing", "True", "False"),
    }
)
# Verbs that end like a third person.
IMPERATIVES_IN_S: Final = frozenset({"Pass", "Process", "Discuss", "Express", "Address", "Focus", "Compress"})

PACKAGES: Final = [name for name, folder in figures.PACKAGES.items() if folder.is_dir()]


def words(package: str) -> figures.Words:
    return figures.words_of(figures.read_package(figures.PACKAGES[package]))


def docstrings(package: str) -> Iterator[tuple[str, figures.Definition, str]]:
    for source in figures.read_package(figures.PACKAGES[package]):
        for node in figures.definitions_of(source.tree):
            if text := ast.get_docstring(node):
                yield f"{source.path.relative_to(figures.ROOT)}:{getattr(node, 'lineno', 1)}", node, text


@pytest.mark.parametrize("package", PACKAGES)
def test_docstrings_when_read_open_with_no_relative_clause(package: str) -> None:
    found = words(package)
    assert len(found.relative) <= 0.02 * found.docstrings, found.relative


@pytest.mark.parametrize("package", PACKAGES)
def test_functions_when_named_are_verbs_and_no_participles(package: str) -> None:
    found = words(package)
    assert len(found.participles) <= 0.03 * found.functions, found.participles


@pytest.mark.parametrize("package", PACKAGES)
def test_docstrings_of_functions_when_read_open_with_an_imperative(package: str) -> None:
    opened = [
        (place, text.split()[0].strip("`,.:"))
        for place, node, text in docstrings(package)
        if isinstance(node, ast.FunctionDef) and figures.is_named_function(node)
    ]
    wrong = [f"{place} {word}" for place, word in opened if is_no_imperative(word)]
    assert len(wrong) <= 0.02 * len(opened), wrong


def is_no_imperative(word: str) -> bool:
    return word in NO_VERBS or (word.endswith("s") and word not in IMPERATIVES_IN_S)


@pytest.mark.parametrize("package", PACKAGES)
def test_docstrings_when_read_hold_no_banned_word(package: str) -> None:
    assert [
        f"{place} {found[0]}" for place, _, text in docstrings(package) if (found := BANNED.search(text))
    ] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_comments_when_counted_are_enough_to_say_why(package: str) -> None:
    found = words(package)
    assert found.comment_lines >= 0.01 * found.lines


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_when_imports_are_followed_stand_in_no_circle(package: str) -> None:
    assert figures.cycles_of(figures.arrows_of(figures.read_package(figures.PACKAGES[package]))) == []
