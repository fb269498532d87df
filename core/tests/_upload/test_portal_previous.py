"""An asset that was delivered before: a new version of its bytes, or only new metadata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from damlink import Content, Portal, PreparedAsset, PushResult, Removed
from damlink._checkpoint import FileCheckpoint
from damlink.errors import ArgumentError, NotYet
from damlink_sandbox import Sandbox


@pytest.fixture(autouse=True)
def calm(sandbox: Sandbox) -> Iterator[None]:
    sandbox.part("bynder").control("lag", {"conversion": 0, "index": 0, "s3": 0})
    yield
    sandbox.world.faults.clear()


def prepared(tag: str, text: str = "first", **changes: Any) -> PreparedAsset:
    content = Content.from_bytes(text.encode(), "a.txt")
    asset = PreparedAsset(content, "Old title", tags=(tag,), content_fingerprint=text)
    return attrs.evolve(asset, **changes)


def upload(portal: Portal, asset: PreparedAsset, **options: Any) -> PushResult:
    checkpoint = FileCheckpoint(None)
    while True:
        try:
            return portal.upload(asset, checkpoint, **options)
        except NotYet:
            continue


def found(sandbox: Sandbox, tag: str) -> Any:
    (asset,) = [each for each in sandbox.part("bynder").state()["assets"] if tag in each["tags"]]
    return asset


def test_upload_when_only_the_title_changed_sends_no_byte_and_renames(
    portal: Portal, sandbox: Sandbox, tag: str
) -> None:
    first = upload(portal, prepared(tag))
    never = Content("a.txt", lambda _offset: pytest.fail("the bytes were read"), size=5)
    changed = prepared(tag, name="New title", description="Of the sea", content=never)
    result = upload(portal, changed, previous=first)
    asset = found(sandbox, tag)
    assert (asset["name"], asset["description"], len(asset["versions"])) == ("New title", "Of the sea", 1)
    assert result == first


@pytest.mark.parametrize("earlier", ["first", None], ids=["known", "not known"])
def test_upload_when_the_bytes_changed_makes_a_version_with_name_and_metadata(
    portal: Portal, sandbox: Sandbox, tag: str, earlier: str | None
) -> None:
    first = attrs.evolve(upload(portal, prepared(tag)), content_fingerprint=earlier)
    changed = prepared(tag, "second", name="New title", copyright="Jane")
    result = upload(portal, changed, previous=first)
    asset = found(sandbox, tag)
    assert (asset["name"], asset["copyright"], len(asset["versions"])) == ("New title", "Jane", 2)
    assert (result.target_id, result.content_fingerprint) == (first.target_id, "second")


def test_upload_when_the_bytes_are_not_known_by_a_fingerprint_makes_a_version(
    portal: Portal, sandbox: Sandbox, tag: str
) -> None:
    unknown = prepared(tag, content_fingerprint="")
    upload(portal, unknown, previous=upload(portal, unknown))
    assert len(found(sandbox, tag)["versions"]) == 2


@pytest.mark.parametrize("previous", [None, PushResult("", content_fingerprint="first")])
def test_upload_when_nothing_was_delivered_before_makes_an_asset(
    portal: Portal, sandbox: Sandbox, tag: str, previous: PushResult | None
) -> None:
    result = upload(portal, prepared(tag), previous=previous)
    assert (result.target_id, result.content_fingerprint) == (found(sandbox, tag)["id"], "first")


def test_version_when_asked_for_by_id_keeps_the_name(portal: Portal, sandbox: Sandbox, tag: str) -> None:
    first = upload(portal, prepared(tag))
    upload(portal, prepared(tag, "second", name="New title"), version_of=first.target_id)
    assert found(sandbox, tag)["name"] == "Old title"


@pytest.mark.parametrize("other", ["version_of", "additional_to"])
def test_upload_when_two_destinations_are_named_is_an_error(portal: Portal, tag: str, other: str) -> None:
    with pytest.raises(ArgumentError, match="`previous` names the asset already"):
        upload(portal, prepared(tag), previous=PushResult("A1"), **{other: "A2"})


def test_upload_of_a_removal_is_an_error_with_the_cure(portal: Portal) -> None:
    removed: Any = Removed("LK-1", "archived")
    with pytest.raises(ArgumentError, match="LK-1 is removed at the source: it cannot be uploaded; let push"):
        upload(portal, removed)


# --- tags that are dropped, and assets that are archived -------------------------------------------


@pytest.mark.parametrize("text", ["first", "second"], ids=["metadata alone", "new version"])
def test_upload_when_tags_are_replaced_takes_off_what_the_last_push_gave_and_nothing_else(
    portal: Portal, sandbox: Sandbox, tag: str, text: str
) -> None:
    first = upload(portal, prepared(tag, tags=(tag, "sea", "a, b", "kept")), replace_tags=True)
    tags = [*found(sandbox, tag)["tags"], f"person-{tag}"]
    portal.assets.modify(first.target_id, tags=tags)
    changed = prepared(tag, text, tags=(tag, "kept", "new"))
    second = upload(portal, changed, previous=first, replace_tags=True)
    assert {*found(sandbox, tag)["tags"]} == {tag, "kept", "new", f"person-{tag}"}
    upload(portal, prepared(tag, text, tags=()), previous=second, replace_tags=True)
    assert found(sandbox, f"person-{tag}")["tags"] == [f"person-{tag}"]


def test_upload_when_tags_are_not_replaced_takes_none_off(portal: Portal, sandbox: Sandbox, tag: str) -> None:
    first = upload(portal, prepared(tag, tags=(tag, "sea")), replace_tags=True)
    result = upload(portal, prepared(tag, tags=(tag, "new")), previous=first)
    assert {*found(sandbox, tag)["tags"]} == {tag, "sea", "new"}
    assert result == first


@pytest.mark.parametrize("text", ["first", "second"], ids=["metadata alone", "new version"])
def test_upload_when_its_asset_was_archived_takes_it_out_of_the_archive(
    portal: Portal, tag: str, text: str
) -> None:
    first = upload(portal, prepared(tag))
    archived = portal.archive(first)
    assert archived is not None
    assert portal.archive(archived) == archived
    assert portal.assets.get(first.target_id).is_archived
    second = upload(portal, prepared(tag, text, name=""), previous=archived)
    assert (second.target_id, portal.assets.get(first.target_id).is_archived) == (first.target_id, False)
    portal.assets.modify(first.target_id, archive=True)
    upload(portal, prepared(tag, text), previous=second)
    # A person has archived it meanwhile.
    assert portal.assets.get(first.target_id).is_archived


def test_archive_when_there_is_no_asset_returns_none(portal: Portal, tag: str) -> None:
    first = upload(portal, prepared(tag))
    portal.assets.delete(first.target_id)
    assert [portal.archive(each) for each in (None, PushResult(""), first)] == [None, None, None]
