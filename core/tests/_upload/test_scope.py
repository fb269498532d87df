"""Several uploads of one push: each in a scope of its own, or an error."""

from __future__ import annotations

import pytest
from ledger_uploads import NextRun, backend, calm, next_run

from damlink import Checkpoint, Content, Portal, PreparedAsset
from damlink.errors import ArgumentError, NotYet
from damlink_sandbox import Sandbox

__all__ = ["backend", "calm", "next_run"]


def prepared(name: str, tag: str) -> PreparedAsset:
    return PreparedAsset(Content.from_bytes(name.encode(), f"{name}.txt"), name, tags=(tag,))


def upload(portal: Portal, asset: PreparedAsset, to: Checkpoint, additional_to: str | None = None) -> str:
    while True:
        try:
            return portal.upload(asset, to, additional_to=additional_to).target_id
        except NotYet:
            continue


def found(sandbox: Sandbox, tag: str) -> list[int]:
    """The number of additional files of each asset with the tag."""
    assets = sandbox.part("bynder").state()["assets"]
    return [len(each["additionals"]) for each in assets if tag in each["tags"]]


def test_second_upload_under_one_checkpoint_is_an_error_that_names_asset_and_cure(
    portal: Portal, sandbox: Sandbox, next_run: NextRun, tag: str
) -> None:
    checkpoint = next_run()
    main = upload(portal, prepared("main", tag), checkpoint)
    with pytest.raises(ArgumentError) as caught:
        upload(portal, prepared("cover", tag), checkpoint, main)
    assert str(caught.value).startswith(f"{tag}: a second upload ('cover.txt') under the same checkpoint")
    assert "checkpoint.scope('cover.txt')" in str(caught.value)
    assert found(sandbox, tag) == [0]


@pytest.mark.parametrize("scopes", [("files",), ("files", "more")], ids=["scope", "scope in a scope"])
def test_second_upload_under_one_scope_is_an_error(
    portal: Portal, next_run: NextRun, tag: str, scopes: tuple[str, ...]
) -> None:
    checkpoint = next_run()
    main = upload(portal, prepared("main", tag), checkpoint)

    def part() -> Checkpoint:
        inner: Checkpoint = checkpoint
        for name in scopes:
            inner = inner.scope(name)
        return inner

    upload(portal, prepared("cover", tag), part(), main)
    with pytest.raises(ArgumentError, match="a second upload"):
        upload(portal, prepared("back", tag), part(), main)


def test_second_upload_when_the_first_was_before_a_crash_is_an_error(
    portal: Portal, next_run: NextRun, tag: str
) -> None:
    main = upload(portal, prepared("main", tag), next_run())
    with pytest.raises(ArgumentError, match="a second upload"):
        upload(portal, prepared("cover", tag), next_run(), main)


def test_uploads_when_each_has_its_scope_all_arrive_and_once(
    portal: Portal, sandbox: Sandbox, next_run: NextRun, tag: str
) -> None:
    for _ in ("a push", "the same after a crash"):
        checkpoint = next_run()
        main = upload(portal, prepared("main", tag), checkpoint)
        for name in ("cover", "back"):
            upload(portal, prepared(name, tag), checkpoint.scope(name), main)
    assert found(sandbox, tag) == [2]


def test_upload_when_repeated_within_a_push_is_the_same(
    portal: Portal, sandbox: Sandbox, next_run: NextRun, tag: str
) -> None:
    checkpoint, main = next_run(), prepared("main", tag)
    assert upload(portal, main, checkpoint) == upload(portal, main, checkpoint)
    assert found(sandbox, tag) == [0]
