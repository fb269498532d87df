"""`damlink plugins`: list the installed plugins, from metadata alone."""

from __future__ import annotations

import sys
from typing import Any

import click

from damlink._cli._options import as_json
from damlink._cli._output import echo
from damlink._plugin.discovery import EXTENSION_GROUP, GROUP, PluginInfo, list_plugins
from damlink._plugin.grades import last_grade


@click.group("plugins", invoke_without_command=True)
@click.option("--verify", is_flag=True, help="Import each plugin in a separate process, and check its hooks.")
@click.option("--extensions", is_flag=True, help="List the installed extensions instead.")
@as_json
@click.pass_context
def command(ctx: click.Context, verify: bool, extensions: bool, json_: bool) -> int:
    """List the installed plugins. A broken plugin is reported; the others still work.

    The grade is that of the last `damlink grade` for this version; `-` if there was none.
    """
    if ctx.invoked_subcommand:
        return 0
    from damlink._cli._output import print_json, print_table

    plugins = list_plugins(EXTENSION_GROUP if extensions else GROUP)
    if verify and not extensions:
        plugins = [info if info.problem else _verify(info) for info in plugins]
    kind = "extension" if extensions else "plugin"
    if json_:
        print_json([info._asdict() | _grade(info, extensions) for info in plugins])
    elif plugins:
        print_table(*_table(plugins, extensions))
    else:
        echo(f"no {kind} is installed; install one with pip")
    return 3 if any(info.problem for info in plugins) else 0


def _table(plugins: list[PluginInfo], extensions: bool) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the head and the rows; an extension has no grade."""
    head = ("extension", "distribution", "") if extensions else ("plugin", "distribution", "grade", "")
    rows = []
    for info in plugins:
        grades = (grade or "-" for grade in _grade(info, extensions).values())
        rows.append((info.name, f"{info.distribution} {info.version}", *grades, _remark(info)))
    return head, rows


def _grade(info: PluginInfo, extensions: bool) -> dict[str, str]:
    return {} if extensions else {"grade": last_grade(info)}


def _remark(info: PluginInfo) -> str:
    return info.problem or info.summary


def _verify(info: PluginInfo) -> PluginInfo:
    """Import a plugin in a child process; return it with the problem that occurred, if any."""
    import subprocess

    # A separate process: a plugin that crashes or changes global state must not affect this command.
    child = subprocess.run(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-m", "damlink", "plugins", "show", info.name, "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    said = child.stderr.strip().splitlines()
    return info if child.returncode == 0 else info._replace(problem=said[-1] if said else "it crashes")


@command.command("show")
@click.argument("name")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of its settings.")
@as_json
def show(name: str, schema: bool, json_: bool) -> None:
    """Show the purpose, hooks and settings of a plugin, after importing it."""
    import attrs

    from damlink._cli._output import print_json, print_table
    from damlink._config.schema import json_schema
    from damlink._config.settings import fields_of
    from damlink._plugin.discovery import find
    from damlink._plugin.loader import load

    connector = load(find(name))
    fields = fields_of(connector.settings_class)
    if schema:
        print_json(json_schema(connector.settings_class, f"Settings of the plugin {name}"))
    elif json_:
        settings = [_setting(field) for field in fields]
        about = attrs.asdict(connector.about)
        print_json({"name": name, "about": about, "hooks": sorted(connector.hooks), "settings": settings})
    else:
        echo(f"{connector.about.title}: {connector.about.summary}")
        echo(f"runs every: {connector.about.every or 'when asked'}")
        echo(f"hooks: {', '.join(sorted(connector.hooks))}")
        echo()
        print_table(("setting", "expects", "default", ""), [_row(field) for field in fields])


def _setting(field: Any) -> dict[str, Any]:
    from damlink._config.settings import plain

    described = {"name": field.name, "expects": field.expects, "required": field.required}
    default = None if field.required else plain(field.default)
    return described | {
        "default": default,
        "secret": field.secret,
        "selects": field.selects,
        "help": field.help,
    }


def _row(field: Any) -> tuple[str, str, str, str]:
    from damlink._config.settings import plain
    from damlink._config.values import value_text

    default = "required" if field.required else value_text(plain(field.default))
    return field.name, field.expects, default, field.help
