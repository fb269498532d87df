"""Whether a connector would work: reach, credentials, roles, settings, listing, one after the other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import attrs

from damlink._assembly import Assembled, Assembly
from damlink.errors import DamlinkError

__all__ = ["Finding", "check_connector"]


@attrs.frozen
class Finding:
    """One thing looked at: fine, or what is wrong with it and what to do."""

    what: str
    detail: str
    error: DamlinkError | None = None

    @property
    def ok(self) -> bool:
        """Whether it is fine."""
        return self.error is None


def check_connector(assembly: Assembly, name: str) -> Iterator[Finding]:
    """Look at one connector, step by step; a step that fails ends it. Changes and spends nothing."""
    try:
        for what, look in _steps(assembly, name):
            yield Finding(what, look())
    except DamlinkError as error:
        yield Finding(what, str(error), error)


def _steps(assembly: Assembly, name: str) -> Iterator[tuple[str, Callable[[], str]]]:
    """The steps in their order; each may build on the ones before it."""
    built: list[Assembled] = []

    def settings() -> str:
        built.append(assembly.assemble(name))
        return f"plugin {built[0].config.plugin}, portal {built[0].config.portal}"

    yield "plugin", lambda: _plugin(assembly, name)
    yield "settings", settings
    yield "portal", lambda: _portal(built[0])
    yield "brand", lambda: _brand(built[0])
    yield "partner", lambda: _partner(built[0])


def _plugin(assembly: Assembly, name: str) -> str:
    info = assembly.connector(name).info
    return f"{info.distribution} {info.version}"


def _portal(work: Assembled) -> str:
    profile = work.portal.profiles.own()
    if profile is None:
        return f"{work.portal.url} lets us in; its user may not read the roles of its own profile"
    uploads = sorted(role for role in profile.roles if role.startswith("MEDIAUPLOAD"))
    return f"{work.portal.url} lets us in as {profile.name!r} with {', '.join(uploads) or 'no upload role'}"


def _brand(work: Assembled) -> str:
    chosen = work.portal.brand_id()
    return f"new assets go to {chosen}" if chosen else "the portal has none, and needs none"


def _partner(work: Assembled) -> str:
    if "list_source_assets" not in work.connector.hooks:
        return "nothing to list; it waits for events"
    with contextlib.closing(work.connector.list_source_assets(work.context, None)) as items:
        found = next(iter(items), None)
    return "the listing answers" if found is not None else "the listing answers; there is nothing in it"
