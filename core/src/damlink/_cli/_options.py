"""Options and arguments that several commands share."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import click

from damlink._cli._completion import complete_connectors, complete_portals
from damlink._cli._output import echo_text

if TYPE_CHECKING:
    from damlink._config.load import Config
    from damlink._http.redact import SentRequest
    from damlink._run.session import Session

__all__ = [
    "OnRequest",
    "all_option",
    "as_json",
    "config_option",
    "config_path_of",
    "connectors",
    "debug_request",
    "existing_config",
    "load_config",
    "no_check_option",
    "only_portal",
    "open_connector_session",
    "portal_argument",
    "rule_option",
    "select_connectors",
    "set_option",
    "show_request",
    "unset_option",
    "with_config",
    "with_new_config",
]

F = TypeVar("F", bound=Callable[..., Any])


def config_option() -> click.Option:
    """Return the option `--config`, which is allowed after a command as well as before it."""
    return click.Option(
        ["--config", "config_path"], type=click.Path(path_type=Path), help="The config; see `damlink --help`."
    )


def with_config(function: F) -> F:
    """Add `--config`, and refuse a missing config before the command imports large modules."""

    @functools.wraps(function)
    def check_and_call(*args: Any, config_path: Path | None, **values: Any) -> Any:
        return function(*args, config_path=existing_config(config_path), **values)

    return with_new_config(cast("F", check_and_call))


def with_new_config(function: F) -> F:
    """Add `--config` to a command that creates the config."""
    option = config_option()
    return click.option(*option.opts, option.name or "", type=option.type, help=option.help)(function)


def config_path_of(given: Path | None) -> Path:
    """Return the path of the config: from the command line, the environment or the working directory."""
    from damlink._config.location import find

    return find(given or click.get_current_context().find_root().obj)


def existing_config(given: Path | None) -> Path:
    """Return the path of the config.

    Raises:
        ConfigError: the file does not exist.
    """
    from damlink._config.location import missing

    path = config_path_of(given)
    if not path.exists():
        raise missing(path)
    return path


set_option = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set a setting. A secret is env:NAME, file:PATH or secret:NAME. For a list, repeat the option or "
    'write ["one", "two"]. An entry of a table is KEY.NAME=VALUE.',
)
unset_option = click.option(
    "--unset", multiple=True, metavar="KEY", help="Remove a setting, so that its default applies."
)
no_check_option = click.option(
    "--no-check",
    is_flag=True,
    help="Write the config without trying the credentials.",
)
all_option = click.option("--all", "all_", is_flag=True, help="Ask for the advanced settings, too.")
as_json = click.option("--json", "json_", is_flag=True, help="Write JSON on stdout, and nothing else.")
debug_request = click.option(
    "--debug-request",
    "on_request",
    is_flag=True,
    callback=lambda _ctx, _option, given: show_request if given else None,
    help="Show on stderr each request that is sent to the portal and to the partner, with secrets redacted.",
)
rule_option = click.option(
    "--rule",
    "names",
    multiple=True,
    metavar="ID",
    help="Try this rule alone, such as push.once, or all of a subject, such as push. Repeat it for several.",
)
OnRequest: TypeAlias = "Callable[[SentRequest], None] | None"
connectors = click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=complete_connectors)


def show_request(request: SentRequest) -> None:
    """Print a sent request as a `curl` command."""
    echo_text(str(request), err=True)


def load_config(given: Path | None) -> Config:
    """Load the config that the command line, the environment or the working directory gives."""
    path = existing_config(given)
    from damlink._config.load import load

    return load(path)


@contextlib.contextmanager
def open_connector_session(
    config_path: Path | None, name: str, *, keeps: bool = True
) -> Iterator[tuple[Session, str]]:
    """Open a session, and yield it with the key of the connector that has this key or title."""
    config = load_config(config_path)
    key = config.connector(name).name
    from damlink._run.session import Session

    with Session(config, keeps=keeps) as session:
        yield session, key


def portal_argument(function: F) -> F:
    """Add the argument PORTAL, which is optional if the config has only one portal."""

    @functools.wraps(function)
    def fill_and_call(*args: Any, portal: str | None, **values: Any) -> Any:
        portal = portal or only_portal(load_config(values["config_path"]))
        return function(*args, portal=portal, **values)

    return click.argument("portal", cls=_PortalArgument, required=False, shell_complete=complete_portals)(
        cast("F", fill_and_call)
    )


class _PortalArgument(click.Argument):
    """Argument PORTAL, which is optional even before a required argument."""

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        # click fills arguments from the left: with one word too few, the next argument's word is in "portal".
        later = [each.name for each in ctx.command.params if isinstance(each, click.Argument)][1:]
        if later and isinstance(opts, dict) and not isinstance(opts.get(later[0]), str):
            opts[later[0]], opts["portal"] = opts.get("portal"), None
        return super().handle_parse_result(ctx, opts, args)


def only_portal(config: Config) -> str:
    """Return the name of the only portal.

    Raises:
        click.UsageError: there are several, or none.
    """
    if len(config.portals) == 1:
        return next(iter(config.portals))
    which = f"choose one of {', '.join(config.portals)}" if config.portals else "there is none"
    raise click.UsageError(f"Missing argument 'PORTAL': {which}", click.get_current_context())


def select_connectors(config: Config, names: Sequence[str]) -> list[str]:
    """Return the named connectors, or all enabled ones if none is named.

    Raises:
        ConfigError: a name is not in the config, or no connector is enabled.
    """
    from damlink.errors import ConfigError

    if names:
        return [config.connector(name).name for name in dict.fromkeys(names)]
    enabled = [name for name, connector in config.connectors.items() if connector.enabled]
    if not enabled:
        hint = "add one with `damlink add NAME`, or enable one with `damlink enable NAME`"
        raise ConfigError(str(config.path), "no connector is enabled", hint=hint)
    return enabled
