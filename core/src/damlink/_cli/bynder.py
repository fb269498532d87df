"""`damlink bynder`: call the portal's API, with commands derived from the client's methods."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click

from damlink._cli._bynder_drift import PORTAL
from damlink._cli._bynder_drift import command as drift
from damlink._cli._completion import complete_names, complete_portals
from damlink._cli._options import config_path_of, existing_config, load_config, only_portal, show_request
from damlink.errors import ConnectorError, UnclearError

DRIFT: Final = "drift"
RAW: Final = "raw"
LIMIT: Final = "limit"
_LISTED_AS: Final = {"uploads": "assets", "files": "assets"}  # resources that show a call's result
_HELP: Final = frozenset({"--help", "-h"})
_GIVES_BYTES: Final = ("bytes", "Content", "RawAnswer")


@functools.cache
def resources() -> dict[str, type]:
    """Return the class of each resource of a portal, by name: every public attribute with actions."""
    import httpx

    from damlink.bynder import Portal

    with Portal("http://localhost", httpx.Auth(), pace=None) as portal:  # it sends nothing
        kinds = {name: type(value) for name, value in vars(portal).items() if not name.startswith("_")}
    return {name: kinds[name] for name in sorted(kinds) if any(actions(kinds[name]))}


def actions(kind: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the methods of a resource that are actions, in alphabetical order."""
    from damlink.bynder._action import actions_of

    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if actions_of(method) is not None:
            yield name, method


class _Resources(click.Group):
    """Group with a subgroup for each resource of a portal."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the only portal if the command line begins with a resource."""
        # The commands are derived from the client, which is slow to import. One word alone is shown the help.
        options = {each.partition("=")[0] for each in args}
        if len(args) > 1 and not {"--config", *_HELP} & options and not ctx.resilient_parsing:
            existing_config(None)
        if args and (args[0] == DRIFT or args[0] in resources()) and not _is_portal(args[0], ctx):
            # The help of a resource needs no portal, nor does the shell that completes a line.
            needs_none = bool(_HELP & options) or ctx.resilient_parsing
            args = ["PORTAL" if needs_none else only_portal(load_config(None)), *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return sorted([DRIFT, *resources()])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        from damlink._cli._derived import summary_of

        if cmd_name == DRIFT:
            return drift
        kind = resources().get(cmd_name)
        if kind is None:
            return None
        commands = {method: _command(cmd_name, method, function) for method, function in actions(kind)}
        if cmd_name == RAW:
            (only,) = commands.values()
            only.name = RAW
            return only
        named = {name.replace("_", "-"): command for name, command in commands.items()}
        return click.Group(cmd_name, commands=named, help=summary_of(kind), epilog=_rights_text(cmd_name))


def _complete_first(ctx: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Return the portals of the config, and the resources, as the portal is optional."""
    commands = complete_names(sorted([DRIFT, *resources()]), begun)
    return [*complete_portals(ctx, parameter, begun), *commands]


@click.group("bynder", cls=_Resources, invoke_without_command=True, no_args_is_help=True)
@click.argument("portal", metavar="[PORTAL]", shell_complete=_complete_first)
@click.pass_context
def command(ctx: click.Context, portal: str) -> None:
    """Call the API of a portal. PORTAL is optional if the config has only one.

    Each command but `drift` is one method of the client `damlink.bynder.Portal`. Results are JSON on
    stdout: one document, or one value per line for a list; a call without a result is confirmed by
    `{"done": …}`.
    """
    if ctx.invoked_subcommand is None:
        raise click.exceptions.NoArgsIsHelpError(ctx)
    ctx.meta[PORTAL] = portal


def _rights_text(resource: str) -> str:
    """Return which commands of a resource need which scopes and roles; empty if none is published."""
    from damlink.bynder._calls import rights_of_resource

    scopes: dict[str, dict[str, None]] = {}
    roles: dict[str, dict[str, None]] = {}
    for method, rights in rights_of_resource(resource):
        command = method.replace("_", "-")
        if rights.scope:
            scopes.setdefault(rights.scope, {})[command] = None
        if rights.roles:
            roles.setdefault(" or ".join(rights.roles), {})[command] = None
    wanted = {"Scopes of the token": scopes, "Roles of its user": roles}
    return "\n\n".join(_table_text(title, found) for title, found in wanted.items() if found)


def _table_text(title: str, found: Mapping[str, Iterable[str]]) -> str:
    rows = (f"  {name}: {', '.join(commands)}" for name, commands in sorted(found.items()))
    # Click keeps the lines of a paragraph that begins with this character.
    return "\n".join(("\b", f"{title}:", *rows))


def _command(resource: str, name: str, method: Callable[..., Any]) -> click.Command:
    from damlink._cli._derived import click_parameters, summary_of, text_of

    parameters = click_parameters(method)
    for option in parameters:
        if isinstance(option, click.Option) and option.name == LIMIT and _is_listing(method):
            option.help = "List at most this many."
    taken = {parameter.name for parameter in parameters}
    return click.Command(
        name.replace("_", "-"),
        params=[*parameters, *(option for option in _common_options(method) if option.name not in taken)],
        callback=functools.partial(_call, resource, name, method),
        help=text_of(method),
        short_help=summary_of(method),
    )


def _common_options(method: Callable[..., Any]) -> Iterator[click.Option]:
    """Yield the options that do not come from the method's signature."""
    returns = str(inspect.signature(method).return_annotation)
    if returns in _GIVES_BYTES:
        yield click.Option(["--output"], type=click.Path(path_type=Path), help="The file to write to.")
    if returns == "RawAnswer":
        yield click.Option(["--include"], is_flag=True, help="Write the status and the headers, too.")
    yield click.Option(["--json"], is_flag=True, help="Write JSON on stdout, which is the default.")
    shown = "Show on stderr each request that is sent, with secrets redacted."
    yield click.Option(["--debug-request"], is_flag=True, help=shown)
    yield click.Option(
        ["--config", "config_path"], type=click.Path(path_type=Path), help="The config; see `damlink --help`."
    )


def _call(resource: str, name: str, method: Callable[..., Any], /, **values: Any) -> None:
    config = load_config(values["config_path"])
    from damlink._cli._derived import arguments_of
    from damlink._run.session import Session

    portal_name = click.get_current_context().meta[PORTAL]
    positional, named = arguments_of(method, values)
    on_request = show_request if values["debug_request"] else None
    with Session(config, keeps=False, keeps_tokens=True) as session:
        portal = session.open_portal(portal_name, on_request=on_request)
        write = functools.partial(_write, output=values.get("output"), whole=values.get("include", False))
        try:
            answer = getattr(getattr(portal, resource), name)(*positional, **named)
        except ConnectorError as error:
            if error.answer is not None:
                write(error.answer)
            if isinstance(error, UnclearError):
                error.hint = _look_hint(portal_name, resource)
            raise
        # The method's `limit` is the size of a page; the command's option limits the whole list.
        if _is_listing(method) and LIMIT in named:
            answer = itertools.islice(answer, named[LIMIT])
        write(_confirmation(resource, name, named) if answer is None else answer)


def _look_hint(portal: str, resource: str) -> str:
    """Return a hint how to find out whether a call without a clear answer has taken effect."""
    listed = _LISTED_AS.get(resource, resource)
    has_list = any(name == "list" for name, _ in actions(resources()[listed]))
    where = f"with `damlink bynder {portal} {listed} list`" if has_list else "in the portal"
    return f"it may or may not have happened: look {where} before you repeat it"


def _confirmation(resource: str, name: str, named: dict[str, Any]) -> dict[str, Any]:
    """Return the confirmation of a call without a result."""
    ids = {"id": named["id"]} if "id" in named else {}
    return {"done": f"{resource} {name.replace('_', '-')}", **ids}


def _is_portal(name: str, ctx: click.Context) -> bool:
    """Return whether the config has a portal of the name."""
    path = config_path_of(None)
    return path.exists() and not ctx.resilient_parsing and name in load_config(None).portals


def _is_listing(method: Callable[..., Any]) -> bool:
    """Return whether a method yields page after page; its `limit` is the size of a page."""
    return str(inspect.signature(method).return_annotation).startswith("Listing[")


def _write(answer: Any, output: Path | None, *, whole: bool) -> None:
    from damlink._cli._answers import write, write_raw
    from damlink.bynder import RawAnswer

    if isinstance(answer, RawAnswer) and not whole:
        write_raw(answer.body, output, refused=answer.status >= 400)
    else:
        write(answer, output)
