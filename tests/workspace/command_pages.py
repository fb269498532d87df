"""The pages of docs/reference about the command line."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import click
from workspace.bynder_calls import action_calls

from damlink import _cli
from damlink._cli._other_commands import load_command, other_commands

__all__ = ["bynder_page", "cli_page", "table"]

BYNDER: Final = "bynder"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A Markdown table."""
    for cells in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
    yield ""


def cli_page() -> Iterator[str]:
    """Every command with its options."""
    yield "# Commands\n"
    root = context(_cli.root, "damlink", None)
    yield from command_section(root, "##", "")
    for name, sentence in _cli.COMMANDS.items():
        command = _cli.root.get_command(root, name)
        assert command is not None
        if name == BYNDER:
            yield from command_section(context(command, name, root), "##", sentence)
            yield "Its commands are on [their page](bynder.md).\n"
        else:
            yield from commands(context(command, name, root), "##", sentence)
    for info in other_commands(_cli.COMMANDS):
        other = load_command(info.name, _cli.COMMANDS)
        if other is not None:
            sentence = f"A command of the distribution `{info.distribution}`."
            yield from commands(context(other, info.name, root), "##", sentence)


def bynder_page() -> Iterator[str]:
    """The published actions, and every command that calls the API."""
    yield "# Bynder's API\n"
    yield (
        "`damlink.bynder.Portal` is a client for every operation that Bynder publishes (see "
        "[Bynder's operations](bynder-operations.md)), and every public method of it is a command: "
        "`portal.assets.get(id)` is `damlink bynder PORTAL assets get --id ID`. `--help` of a resource "
        "shows the scopes and roles that its commands need.\n"
    )
    yield "## The published actions\n"
    yield (
        "Integration platforms offer 53 actions for Bynder. The table shows the method, the command and the "
        "HTTP call of each; the first call if there are several.\n"
    )
    rows = [
        (call.action, f"`{call.method}`", f"`{call.command}`", f"`{call.http}`") for call in action_calls()
    ]
    yield from table(("action", "method", "command", "call"), rows)
    yield "## Commands\n"
    module = importlib.import_module(f"damlink._cli.{BYNDER}")
    group = context(module.command, BYNDER, context(_cli.root, "damlink", None))
    for name in module.command.list_commands(group):
        command = module.command.get_command(group, name)
        yield from commands(context(command, name, group), "###", "")


def context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    """A context wide enough that nothing is wrapped."""
    return click.Context(command, info_name=name, parent=parent, terminal_width=1000, max_content_width=1000)


def commands(ctx: click.Context, heading: str, sentence: str) -> Iterator[str]:
    """A command and those below it."""
    yield from command_section(ctx, heading, sentence)
    if not isinstance(ctx.command, click.Group):
        return
    for name in ctx.command.list_commands(ctx):
        command = ctx.command.get_command(ctx, name)
        if command is not None:
            yield from commands(context(command, name, ctx), f"{heading}#", "")


def command_section(ctx: click.Context, heading: str, sentence: str) -> Iterator[str]:
    """One command: usage, what it does, options."""
    yield f"{heading} `{ctx.command_path}`\n"
    yield f"```text\n{ctx.get_usage().removeprefix('Usage: ')}\n```\n"
    yield f"{sentence}\n"
    yield f"{inspect.cleandoc(ctx.command.help or '')}\n"
    records = [parameter.get_help_record(ctx) for parameter in ctx.command.get_params(ctx)]
    told = [record for record in records if record and record[1]]  # an argument stands in the usage
    rows = [(f"`{name}`", text.replace("  [", " [")) for name, text in told]
    yield from table(("option", ""), rows)
