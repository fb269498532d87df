from __future__ import annotations

import inspect

import damlink
import damlink.bynder
from damlink._upload.portal import Portal
from damlink.bynder._portal import PortalClient


def test_portal_when_imported_by_either_public_name_is_one_class() -> None:
    assert damlink.Portal is damlink.bynder.Portal is Portal


def test_portal_when_opened_takes_every_option_of_the_client() -> None:
    whole, client = (inspect.signature(kind).parameters for kind in (Portal, PortalClient))
    assert client.keys() <= whole.keys()


def test_client_when_opened_without_the_upload_has_the_same_resources() -> None:
    with Portal("http://localhost", damlink.Secret("t")) as whole:
        resources = {name for name in vars(whole) if not name.startswith("_")}
    with PortalClient("http://localhost", damlink.Secret("t")) as client:
        own = {name for name in vars(client) if not name.startswith("_")}
    assert resources - own == {"index_lag"}
