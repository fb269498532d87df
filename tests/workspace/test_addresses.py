"""Every setting that is an address, of the core and of every plugin installed, refuses plain http."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from damlink._config.parse import parse
from damlink._config.settings import Field, fields_of
from damlink._config.tables import ConsoleConfig, PortalConfig, ServeConfig
from damlink._plugin.discovery import find, list_plugins
from damlink._plugin.loader import load
from damlink._secret import Secret
from damlink.errors import ConfigError


def classes() -> Iterator[tuple[str, type[Any]]]:
    yield "portals", PortalConfig
    yield "serve", ServeConfig
    yield "console", ConsoleConfig
    for info in list_plugins():
        yield info.name, load(find(info.name)).settings_class


def address_settings() -> Iterator[Any]:
    for name, settings_class in classes():
        for field in fields_of(settings_class):
            if field.name == "url" or field.name.endswith("_url"):
                yield pytest.param(settings_class, field, id=f"{name}.{field.name}")


def required(field: Field) -> Any:
    return {"env": "KEY"} if field.type is Secret else "https://portal.example"


@pytest.mark.parametrize(("settings_class", "field"), [*address_settings()])
def test_every_address_setting_refuses_plain_http(settings_class: type[Any], field: Field) -> None:
    table = {each.name: required(each) for each in fields_of(settings_class) if each.required}
    with pytest.raises(ConfigError, match=rf"x: {field.name} must begin with https://"):
        parse(
            settings_class,
            table | {field.name: "http://partner.example/api"},
            "x",
            lambda _ref, _place: "opened",
        )
