"""The marks on settings, of the core and of every installed plugin, fit each other."""

from __future__ import annotations

from typing import Any

import pytest

from damlink._config.settings import Field, fields_of
from damlink._config.tables import ConnectorConfig, PortalConfig
from damlink._plugin.discovery import list_plugins
from damlink._plugin.loader import load

CLASSES = [PortalConfig, ConnectorConfig, *(load(info).settings_class for info in list_plugins())]
FIELDS = [
    pytest.param(field, {each.name for each in fields_of(kind)}, id=f"{kind.__name__}.{field.name}")
    for kind in CLASSES
    for field in fields_of(kind)
]
# Addresses that a partner's account team hands out: there is no public default.
CHOSEN = {"import_url", "status_url", "public_url"}


@pytest.mark.parametrize(("field", "names"), FIELDS)
def test_setting_when_it_depends_on_others_names_those_there_are(field: Field, names: set[str]) -> None:
    assert field.when.keys() <= names - {field.name}


@pytest.mark.parametrize(("field", "names"), FIELDS)
def test_setting_when_it_is_required_is_asked_for(field: Field, names: set[str]) -> None:
    assert field.name in names
    assert not (field.required and (field.advanced or field.when))


@pytest.mark.parametrize(("field", "names"), FIELDS)
def test_setting_when_it_is_an_endpoint_or_a_limit_is_advanced(field: Field, names: Any) -> None:
    assert field.name in names
    is_technical = field.name.endswith(("_url", "_path", "_per_second")) and field.name not in CHOSEN
    assert field.advanced or not is_technical
