"""One site on loopback for each test."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from loopback import Site

from damlink_sandbox import Sandbox, Synthetic

MEDIA = [
    *(Synthetic(f"photo-{number}.jpg", 40_000 + number, "image", number, 1600, 1000) for number in range(9)),
    Synthetic("drawing.eps", 30_000, "vector", 9),
    Synthetic("film.mov", 900_000, "video", 10, 640, 360),
]


@pytest.fixture
def sandbox_kind() -> type[Sandbox]:
    """What plays the other side; a test module may have its own."""
    return Sandbox


@pytest.fixture
def site(tmp_path: Path, sandbox_kind: type[Sandbox]) -> Iterator[Site]:
    """A portal and an iStock account with the generated media, and a config that connects them."""
    world = tmp_path / "world"
    world.mkdir()
    with sandbox_kind(folder=world, media=MEDIA) as sandbox:
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
        site = Site(
            tmp_path,
            sandbox,
            {
                "pace": {"requests": 100_000, "share": 1.0},
                "portals": {"brand": portal},
                "connectors": {"stock": stock},
            },
        )
        site.portal.control("pace", {"requests": 1_000_000, "seconds": 300})
        site.write()
        yield site
