"""Tokens that expire, and refresh tokens that change, under many threads, two processes, and a kill."""

from __future__ import annotations

import time

import pytest
from istock_site import sign_in
from loopback import SECRET_VALUES, Site, assert_arrived_once_and_whole

POLL_SECONDS = 0.005
LIFETIME_SECONDS = 3
TOKENS = "portal POST /v6/authentication/oauth2/token"


@pytest.mark.timeout(200)
def test_token_when_it_expires_under_two_processes_is_renewed_once_each_time(site: Site) -> None:
    site.istock.control("license", {"count": 190, "size": 15_000})
    site.portal.control("tokens", {"lifetime": LIFETIME_SECONDS})
    SECRET_VALUES["CLIENT_SECRET"] = site.portal.client_secret
    site.tables["portals"]["brand"] |= {
        "auth": "oauth2-client-credentials",
        "client_id": site.portal.client_id,
        "client_secret": {"env": "CLIENT_SECRET"},
    }
    site.tables["connectors"]["other"] = dict(site.tables["connectors"]["stock"])
    site.write()
    began = time.monotonic()
    children = [site.start("run", name, "--workers", "8") for name in ("stock", "other")]
    outputs = [child.communicate() for child in children]
    lifetimes = (time.monotonic() - began) / (LIFETIME_SECONDS * 0.9)
    assert [child.returncode for child in children] == [0, 0], outputs
    assert 2 <= site.sandbox.world.counts[TOKENS] <= lifetimes + 1
    assert_arrived_once_and_whole(site, {*site.licensed()})


def test_rotated_refresh_token_survives_a_kill_right_after_the_refresh(site: Site) -> None:
    site.istock.control("rotation", {"on": True})
    (site.folder / "refresh.secret").write_text(sign_in(site), encoding="utf-8")
    site.connector(username=None, password=None, refresh_token={"file": "refresh.secret"})
    counts = site.sandbox.world.counts
    child = site.start("run")
    while not counts["requests:istock"]:  # the first call with the new token
        time.sleep(POLL_SECONDS)
    child.kill()
    child.communicate()
    site.istock.control("expire_tokens", {})
    site.run("run")
    assert_arrived_once_and_whole(site, {*site.licensed()})
