"""Metadata of files, in all its forms, and in none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from damlink_folder.local import LocalFolder
from damlink_folder.settings import FolderSettings
from damlink_folder.sidecars import Sidecars
from damlink_folder.transform import map_fields

WORDS = "file,name,tags\na.jpg,Ärger,x;y\nb.jpg,,\n"


def metadata(path: Path, files: dict[str, bytes | str]) -> Any:
    for name, data in files.items():
        (path / name).write_bytes(data.encode() if isinstance(data, str) else data)
    settings = FolderSettings(address=str(path))
    return Sidecars(LocalFolder(str(path)), settings, "", list(files)).metadata("a.jpg")


@pytest.mark.parametrize(
    ("files", "values"),
    [
        pytest.param({}, {}, id="none"),
        pytest.param({"a.json": '{"name": "A"}'}, {"name": "A"}, id="by-stem"),
        pytest.param(
            {"a.jpg.json": '{"n": 1}', "a.json": '{"n": 2, "m": 3}'}, {"n": 1, "m": 3}, id="nearer-first"
        ),
        pytest.param({"x.csv": WORDS}, {"name": "Ärger", "tags": "x;y"}, id="csv"),
        pytest.param({"x.csv": WORDS.encode("utf-8-sig")}, {"name": "Ärger", "tags": "x;y"}, id="csv-mark"),
        pytest.param({"x.csv": WORDS.replace(",", "\t")}, {"name": "Ärger", "tags": "x;y"}, id="csv-tabs"),
        pytest.param({"x.csv": 'file;name\n"a.jpg";"a\nb"\n'}, {"name": "a\nb"}, id="csv-quotes"),
        pytest.param({"x.csv": "file,name\na.jpg,1,2,3\n"}, {"name": "1"}, id="csv-long-row"),
        pytest.param(
            {"x.csv": WORDS, "a.json": '{"name": "J"}'}, {"name": "J", "tags": "x;y"}, id="json-over-csv"
        ),
        pytest.param({"b.json": "{", "ab.jpg.json": "["}, {}, id="of-others"),
    ],
)
def test_metadata_with_these_files_has_these_values(tmp_path: Path, files: Any, values: Any) -> None:
    found = metadata(tmp_path, files)
    assert (found.values, found.problem) == (values, "")


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        pytest.param({"a.json": "{"}, "a.json: ", id="half"),
        pytest.param({"a.json": "[]"}, "is no JSON object", id="list"),
        pytest.param({"a.json": '{"a": NaN}'}, "NaN is no number", id="nan"),
        pytest.param({"a.json": "[" * 20_000}, "a.json: ", id="deep"),
        pytest.param({"a.json": b'{"a": "\xff"}'}, "is not UTF-8", id="latin-1"),
        pytest.param({"a.json": '{"a": "' + "x" * 40_000 + '"}'}, "are the most", id="big"),
        pytest.param({"x.csv": "name\nA\n"}, "has no column 'file'", id="csv-column"),
        pytest.param({"x.csv": ""}, "has no column 'file'", id="csv-empty"),
        pytest.param({"x.csv": 'file,name\na.jpg,"open\n'}, "x.csv: ", id="csv-quote"),
        pytest.param({"x.csv": b"file\n\xff\n"}, "is not UTF-8", id="csv-latin-1"),
        pytest.param({"x.csv": "file,name\na.jpg," + "x" * 60_000 + "\n"}, "longer than", id="csv-big-row"),
    ],
)
def test_metadata_when_it_cannot_be_read_says_where(tmp_path: Path, files: Any, problem: str) -> None:
    found = metadata(tmp_path, files)
    assert problem in found.problem
    assert found.values == {}


@pytest.mark.parametrize(
    ("values", "found"),
    [
        pytest.param({"by": "Ada"}, {"photographer": "Ada"}, id="text"),
        pytest.param({"by": 7}, {"photographer": "7"}, id="number"),
        pytest.param({"by": True}, {"photographer": "true"}, id="yes"),
        pytest.param({"by": None, "where": ""}, {}, id="nothing"),
        pytest.param({"by": {"a": 1}}, {}, id="object"),
        pytest.param({"by": ["A", 2, None]}, {"photographer": ["A", "2"]}, id="list"),
        pytest.param({"where": "EMEA; APAC;"}, {"region": ["EMEA", "APAC"]}, id="several"),
    ],
)
def test_metaproperties_come_from_their_fields(values: Any, found: Any) -> None:
    settings = FolderSettings(
        address="x", metaproperties={"photographer": "by", "region": "where"}, several=("region",)
    )
    assert map_fields(settings, values)["metaproperties"] == found
