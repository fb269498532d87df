"""A site whose connector `stock` brings what an iStock account has licensed into a portal."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from loopback import SECRET_VALUES, Site

from damlink_sandbox import Sandbox, Synthetic

__all__ = ["MEDIA", "istock_site", "sign_in"]

MEDIA = [
    *(Synthetic(f"photo-{number}.jpg", 40_000 + number, "image", number, 1600, 1000) for number in range(9)),
    Synthetic("drawing.eps", 30_000, "vector", 9),
    Synthetic("film.mov", 900_000, "video", 10, 640, 360),
]


@contextlib.contextmanager
def istock_site(
    folder: Path, media: Sequence[Synthetic] = MEDIA, kind: type[Sandbox] = Sandbox
) -> Iterator[Site]:
    """A portal and an iStock account with the generated media, and a config that connects them."""
    world = folder / "world"
    world.mkdir()
    with kind(folder=world, media=media) as sandbox:
        origins = sandbox.origins
        portal = {"url": origins["portal"], "token": {"env": "TOKEN"}, "index_lag": "1s"}
        stock = {
            "plugin": "istock",
            "include_videos": True,
            "sync_after": (datetime.now(UTC) - timedelta(days=450)).date(),
            "sync_organization_assets": True,
            "requests_per_second": 500.0,
            "api_url": origins["istock"],
            "token_url": f"{origins['istock-login']}/oauth2/token",
            "api_key": {"env": "ISTOCK_API_KEY"},
            "api_secret": {"env": "ISTOCK_API_SECRET"},
            "username": {"env": "ISTOCK_USERNAME"},
            "password": {"env": "ISTOCK_PASSWORD"},
        }
        tables = {
            "pace": {"requests": 100_000, "share": 1.0},
            "portals": {"brand": portal},
            "connectors": {"stock": stock},
        }
        site = Site(folder, sandbox, tables)
        site.portal.control("pace", {"requests": 1_000_000, "seconds": 300})
        site.write()
        yield site


def sign_in(site: Site) -> str:
    """Sign in at iStock as a person does, and return the refresh token."""
    form = {
        "grant_type": "password",
        "client_id": SECRET_VALUES["ISTOCK_API_KEY"],
        "client_secret": SECRET_VALUES["ISTOCK_API_SECRET"],
        "username": SECRET_VALUES["ISTOCK_USERNAME"],
        "password": SECRET_VALUES["ISTOCK_PASSWORD"],
    }
    answer = httpx.post(f"{site.sandbox.origins['istock-login']}/oauth2/token", data=form, trust_env=False)
    return str(answer.json()["refresh_token"])
