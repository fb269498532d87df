"""The extension `exif` around a plugin's `transform`."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from exif_images import image

from damlink import Content, PreparedAsset, Skip
from damlink_exif.extension import Exif

CTX: Any = SimpleNamespace(log=logging.getLogger("test"))


def passed(extension: Exif, result: PreparedAsset | Skip) -> Any:
    """Return what the wrapper makes of a result."""
    wrapper = extension.transform(CTX)
    next(wrapper)
    with pytest.raises(StopIteration) as end:
        wrapper.send(result)
    return end.value.value


def prepared(metaproperties: Mapping[str, Any] | None = None) -> PreparedAsset:
    content = Content.from_bytes(image(Artist="Ada", Copyright="Acme"), "a.jpg")
    return PreparedAsset(content, name="a", metaproperties=metaproperties or {})


@pytest.mark.parametrize(
    ("overwrite", "given", "kept"),
    [
        pytest.param(False, {}, {"by": "Ada", "rights": "Acme"}, id="added"),
        pytest.param(
            False, {"by": "Bo", "a": "b"}, {"by": "Bo", "a": "b", "rights": "Acme"}, id="plugin-wins"
        ),
        pytest.param(True, {"by": "Bo"}, {"by": "Ada", "rights": "Acme"}, id="image-wins"),
    ],
)
def test_transform_with_fields_adds_them_to_the_metaproperties(
    overwrite: bool, given: Mapping[str, Any], kept: Mapping[str, Any]
) -> None:
    extension = Exif(fields=("Artist=by", "Copyright = rights", "Model=camera"), overwrite=overwrite)

    assert passed(extension, prepared(given)).metaproperties == kept


def test_transform_of_a_skip_returns_it() -> None:
    assert passed(Exif(fields=("Artist=by",)), Skip("no")) == Skip("no")


@pytest.mark.parametrize(
    ("text", "problem"), [("Artst=by", "no field of EXIF"), ("Artist", "no metaproperty")]
)
def test_settings_when_a_field_is_wrong_say_so(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Exif(fields=(text,))
