"""What differs from a shape is named; what cannot be known is not."""

from __future__ import annotations

from typing import Any, Final

import pytest

from damlink.bynder._shape import Field, differences, observe, read_shape

SHAPE: Final = read_shape(
    {
        "": "l?", "[]": "o?", "[].id": "t", "[].flag": "nb?", "[].size": "n", "[].labels": "o",
        "[].labels.*": "t?", "[].files": "l?", "[].files[]": "o?", "[].files[].name": "t", "[].any": "o?",
        "[].property_*": "t?",
    }
)  # fmt: skip
WHOLE: Final = {"id": "1", "size": 1, "labels": {"en_US": "a"}}


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ([WHOLE], []),
        ([], []),
        ([WHOLE | {"flag": 1}, WHOLE | {"flag": True}], []),
        ([WHOLE | {"labels": []}], []),
        ([WHOLE | {"size": None}], []),
        ([WHOLE | {"any": {"what": {"ever": 1}}}], []),
        ([WHOLE | {"property_Colour": "red"}], []),
        ([WHOLE | {"files": []}], []),
        ([{"id": "1", "labels": {}}], [("[].size", "gone", "was number")]),
        ([WHOLE, {"id": "2", "labels": {}}], []),
        ([WHOLE | {"mood": "good"}], [("[].mood", "new", "text")]),
        ([WHOLE | {"a.b": None}], [("[].a·b", "new", "null")]),
        ([WHOLE | {"size": "1"}], [("[].size", "type", "was number, is text")]),
        ([WHOLE | {"labels": {"en_US": 1}}], [("[].labels.*", "type", "was text, is number")]),
        ([WHOLE | {"flag": "1"}], [("[].flag", "type", "was number or true or false, is text")]),
        ([WHOLE | {"files": [{}]}], []),
        (
            [WHOLE | {"files": [{"a": 1}]}],
            [("[].files[].a", "new", "number"), ("[].files[].name", "gone", "was text")],
        ),
        ({"items": [WHOLE]}, [("", "type", "was list, is object")]),
    ],
)  # fmt: skip
def test_differences_when_an_answer_is_compared_name_what_is_otherwise(
    answer: Any, found: list[tuple[str, str, str]]
) -> None:
    assert list(differences(SHAPE, observe(answer, SHAPE))) == found


@pytest.mark.parametrize("note", ["t", "t?", "tn", "bo?", "?", "0"])
def test_field_when_noted_is_read_again(note: str) -> None:
    assert Field.read(note).note() == note
