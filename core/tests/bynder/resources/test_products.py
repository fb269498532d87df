from __future__ import annotations

from collections.abc import Callable
from typing import Any

from damlink import Portal


def test_options_that_belong_to_another_when_set_are_shown_with_it(
    portal: Portal, control: Callable[..., Any], tag: str
) -> None:
    made = control("metaproperty", name=f"P{tag}", type="select", options=["cup", "plate", "saucer"])["id"]
    cup, plate, saucer = (option.id for option in portal.metaproperties.read(made).options)
    portal.products.set_children(cup, children=[saucer, plate])
    listed = list(portal.products.options(made, limit=1, order="desc"))
    (related,) = [option.children for option in portal.products.get(made).options if option.id == cup]
    assert [option.name for option in listed] == ["saucer", "plate", "cup"]
    assert (
        [child.name for child in listed[2].children]
        == [child.name for child in related]
        == [
            "saucer",
            "plate",
        ]
    )
    assert made in portal.products.list()
