"""The command `damlink`. The only place that prints and exits."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from damlink._cli._output import echo
from damlink._cli._streams import redact_streams
from damlink._version import __version__
from damlink.errors import DamlinkError

__all__ = ["EXIT_CODES", "main", "root"]

EXIT_CODES: Final = {
    0: "done",
    1: "some assets failed, or a partner could not be reached",
    2: "the command was written wrongly",
    3: "the config, a plugin or the database is wrong",
    4: "credentials were refused, or lack a right",
    5: "another run of the connector is active",
    6: "a plugin was not graded: there was no time for every rule",
    130: "interrupted",
}

# Each command is a module of this package; the sentence is its line in `damlink --help`.
COMMANDS: Final = {
    "init": "Create a configuration with one portal.",
    "portal": "Add, change or check a portal.",
    "add": "Create a connector.",
    "edit": "Change a connector's settings.",
    "enable": "Include a connector in runs.",
    "disable": "Exclude a connector from runs.",
    "plugins": "List the installed plugins.",
    "check": "Check connectors and portals: connection, credentials, settings.",
    "plan": "Show what a run would carry, and why.",
    "run": "Run connectors now.",
    "serve": "Receive events and run connectors on schedule.",
    "worker": "Carry assets beside other workers, on PostgreSQL.",
    "workers": "Show who carries what on PostgreSQL.",
    "console": "Show the state in a browser, and decide on assets.",
    "users": "Manage the users of the console, and their tokens.",
    "audit": "List and verify who has changed what.",
    "events": "Manage the event address, subscriptions and topics.",
    "status": "Show where each connector stands.",
    "runs": "List the last runs of a connector.",
    "assets": "List the assets of a connector.",
    "retry": "Make assets due again.",
    "settle": "Decide whether an uncertain asset has arrived.",
    "diagnostics": "Write a file for support, without secrets.",
    "state": "Show, export or reset the state of a connector.",
    "bynder": "Call the API of a portal: every action, and any request.",
    "login": "Sign in to a portal or partner with a browser.",
    "secret": "Manage encrypted secrets.",
    "new": "Make the distribution of a new plugin.",
    "test": "Test an installed plugin against its stand-in.",
    "grade": "Grade an installed plugin by the rules that it keeps.",
}


# Commands that share a module.
TWINS: Final = {"enable": ("switch", "enable"), "disable": ("switch", "disable")}


class _Commands(click.Group):
    """Group of the core's commands and those of other distributions, each imported only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        from damlink._cli._other_commands import other_commands

        return [*COMMANDS, *(info.name for info in other_commands(COMMANDS))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            from damlink._cli._other_commands import load_command

            return load_command(cmd_name, COMMANDS)
        place, attribute = TWINS.get(cmd_name, (cmd_name, "command"))
        command: click.Command = getattr(importlib.import_module(f"damlink._cli.{place}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))
        from damlink._cli._other_commands import other_commands

        # Their help texts would have to be imported: the metadata names only the distribution.
        rows = [
            (info.name, info.problem or f"From {info.distribution}.") for info in other_commands(COMMANDS)
        ]
        if rows:
            with formatter.section("Commands of other distributions"):
                formatter.write_dl(rows)


@click.group(
    cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="damlink")
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    help="The config; else DAMLINK_CONFIG, else ./damlink.toml.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="warning",
    show_default=True,
    help="How much to log, on stderr.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How a line of the log is written.",
)
@click.pass_context
def root(ctx: click.Context, config_path: Path | None, log_level: str, log_format: str) -> None:
    """Connect a Bynder portal with other systems."""
    from damlink._cli._logging import configure

    configure(log_level, log_format)
    ctx.obj = config_path


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with one of `EXIT_CODES`."""
    # httpx imports rich for a command line of its own, which takes longer than the rest of it.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    with redact_streams(), _private_files():
        code = _run(arguments)
    sys.exit(code)


@contextlib.contextmanager
def _private_files() -> Iterator[None]:
    """Make all files that a command and its libraries write readable for this user only."""
    # The umask also covers files that libraries create, such as SQLite's write-ahead log.
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        result = root.main(arguments, prog_name="damlink", standalone_mode=False)
    except click.exceptions.Abort:
        return _fail("interrupted", 130)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.UsageError as error:
        return _fail(_usage(error), error.exit_code)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code)
    except DamlinkError as error:
        return _fail(str(error), error.exit_code)
    except Exception as error:  # noqa: BLE001 - either the disk's error or a bug
        return _fail_unforeseen(error)
    return result if isinstance(result, int) else 0


def _fail_unforeseen(error: Exception) -> int:
    """Report an error of a file in one line, and a bug with its traceback; the streams redact secrets."""
    from damlink._system.disk import cure_of, describe_error, is_file_error

    if isinstance(error, OSError) and is_file_error(error):
        return _fail(f"{describe_error(error)}; {cure_of(error)}", 3)
    import traceback

    traceback.print_exc()
    return 1


def _usage(error: click.UsageError) -> str:
    """Return in one line what was written wrongly and where to look it up."""
    path = error.ctx.command_path if error.ctx else "damlink"
    return f"{' '.join(error.format_message().split()).rstrip('.')}; see `{path} --help`"


def _fail(message: str, code: int) -> int:
    echo(f"damlink: {message}", err=True)
    return code
