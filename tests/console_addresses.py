"""One address of each page of the console that the tests of the room run."""

from __future__ import annotations

__all__ = ["ADDRESSES"]

ADDRESSES = {
    "/": "/",
    "/connectors": "/connectors",
    "/connector": "/connector?connector=stock",
    "/edit": "/edit?connector=shelf",
    "/draft": "/draft?id=known",
    "/add": "/add?plugin=acme",
    "/setup": "/setup?id=new&step=0",
    "/plans": "/plans?connector=stock",
    "/plan": "/plan?id=known",
    "/assets": "/assets?connector=stock",
    "/asset": "/asset?connector=stock&id=id-000",
    "/runs": "/runs?connector=stock",
    "/plugins": "/plugins",
    "/activity": "/activity",
    "/diagnostics": "/diagnostics",
    "/portals": "/portals",
    "/users": "/users",
    "/user": "/user?name=known",
    "/password": "/password",
    "/events": "/events?portal=brand",
    "/event": "/event?portal=brand&number=1",
}
