"""Writes what follows from the code: the pages of docs/reference, and the calls that the client notes.

`--check` only compares them with it.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import click

sys.path.insert(0, str(Path(__file__).parents[1]))

from command_pages import bynder_page, cli_page, table
from deviations import DEVIATIONS
from directory import directory_page
from workspace.operations import calls_file, operations_page
from workspace.python_page import python_page
from workspace.testing_page import testing_page

import damlink
from damlink import _cli, errors, hookspecs
from damlink._cli.run import PRECEDENCE
from damlink._config.load import reference
from damlink._config.settings import Field, fields_of, plain
from damlink._plugin.discovery import find
from damlink._plugin.loader import load
from damlink._plugin.shape import HOOKS
from damlink.testing.grade import LEVELS, list_graded_rules
from damlink_sandbox.mark import SECRET_MARK

REFERENCE: Final = Path(__file__).parents[2] / "docs" / "reference"
CALLS: Final = Path(damlink.__file__).parent / "bynder" / "calls.json"
NOTE: Final = "<!-- Written by tests/workspace/generate_reference.py from the code. Do not edit it here. -->"
PACKAGES: Final = ("damlink", "damlink_sandbox")
PLUGINS: Final = ("folder", "gelato", "imatag", "istock")
GIVEN: Final = "What a hook is given"
NAMES: Final = {
    "What a plugin declares": (
        "hookimpl",
        "setting",
        "Secret",
        "About",
        "Auth",
        "HeaderAuth",
        "OAuth2",
        "TokenAuth",
    ),
    GIVEN: ("Context", "LedgerEntry", "Checkpoint", "Client", "Response", "Portal", "Event"),
    "What a hook gives": (
        "SourceAsset",
        "Cursor",
        "Content",
        "PreparedAsset",
        "Skip",
        "Removed",
        "PushResult",
    ),
    "What a check gives": ("Finding",),
    "What an estimate gives": ("Estimate",),
    "What several plugins need": (
        "Backoff",
        "ContentFile",
        "NotedDelivery",
        "Poll",
        "Rate",
        "Spool",
        "origin_of",
        "parse_url",
        "read_as",
        "read_pages",
        "read_rate",
        "wait_for",
        "suggest",
    ),
}

# What the documentation of httpx does not say.
BESIDES: Final = {
    "Auth": " One of your own: see [Sign requests](../how-to/write-a-plugin.md#sign-requests).",
}


def settings_page() -> Iterator[str]:
    """Every setting that the core owns, table by table."""
    yield "# Settings\n"
    yield (
        "`damlink.toml` holds four tables. A plugin's own settings stand in the same `[connectors.NAME]` "
        "table as the core's; see the page of the plugin. An unknown key is an error. A text may be "
        "written as `{ env = … }` or `{ file = … }` wherever a text is expected.\n"
    )
    for name, fields in reference().items():
        yield f"## `[{name}]`\n"
        yield from settings_table(fields)
    yield (
        "`[connectors.NAME.extensions.EXTENSION]` switches an extension on, and holds its settings; see "
        "[Use extensions](../how-to/extensions.md).\n"
    )


def settings_table(fields: Iterable[Field]) -> Iterator[str]:
    """A Markdown table of settings."""
    rows = [(f"`{field.name}`", field.expects, default_text(field), field.help) for field in fields]
    yield from table(("setting", "expects", "default", "what it does"), rows)


def default_text(field: Field) -> str:
    """A default as it would be written in the config."""
    if field.required:
        return "**required**"
    value = plain(field.default)
    return "none" if value is None or value in ("", []) else f"`{json.dumps(value)}`"


def plugin_page(name: str) -> Iterator[str]:
    """What one plugin says of itself, and its settings."""
    connector = load(find(name))
    about, fields = connector.about, fields_of(connector.settings_class)
    yield f"# {about.title}: settings\n"
    yield f"{about.summary}\n"
    once = "once" if about.once_per_portal else "once for each connector"
    rows = [
        ("name in the config", f'`plugin = "{name}"`'),
        ("distribution", f"`{connector.info.distribution}`"),
        ("hooks", ", ".join(f"`{hook}`" for hook in HOOKS if hook in connector.hooks)),
        ("meant to run every", about.every or "only when asked"),
        ("rights in the portal", "; ".join(about.permissions) or "none"),
        ("tag of its assets", f"`{about.adopt_tag}`" if about.adopt_tag else "none"),
        ("one asset arrives in a portal", once),
    ]
    yield from table(("", ""), rows)
    yield "## Settings\n"
    yield from settings_table(fields)
    selecting = ", ".join(f"`{field.name}`" for field in fields if field.selects)
    yield f"These decide what is listed; after a change of one, everything is listed again: {selecting}.\n"


def exit_codes_page() -> Iterator[str]:
    """What the process ends with."""
    yield "# Exit codes\n"
    yield from table(("code", "means"), [(f"`{code}`", text) for code, text in _cli.EXIT_CODES.items()])
    order = ", ".join(f"`{code}`" for code in PRECEDENCE)
    yield (
        f"With several connectors all are run, and the first of {order} that occurred is the exit code. "
        "Of a run, the code tells what *that run* left behind: an asset that an earlier run left `uncertain` "
        "or `rejected` does not make a later one fail. `damlink status` shows them all.\n"
    )
    yield (
        "A plan that is no longer what a run would do ends `damlink run --plan ID` with `3`, before anything "
        "is carried; so does an id that is not known.\n"
    )
    yield "Errors go to stderr, one line each: what failed, and what to do about it.\n"


def errors_page() -> Iterator[str]:
    """The tree of exceptions."""
    yield "# Errors\n"
    yield (
        "Every exception of Damlink is in `damlink.errors`. A plugin raises those marked with a star, which "
        "`damlink` itself exports, to say what went wrong. Each class says what it stops: the asset alone, "
        "the run of its connector, or the whole run. The number is what the process [exits](exit-codes.md) "
        "with when the error stops it.\n"
    )
    yield from error_items(errors.DamlinkError, "")
    yield ""
    for name in sorted(set(errors.__all__) & set(damlink.__all__)):
        yield from class_section(name, getattr(errors, name))


def error_items(kind: type[errors.DamlinkError], indent: str) -> Iterator[str]:
    """An error and those below it, as a nested list."""
    star = " ★" if kind.__name__ in damlink.__all__ else ""
    first = (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")
    yield f"{indent}- `{kind.__name__}`{star} ({kind.exit_code}, stops the {kind.stops}): {first}"
    for below in kind.__subclasses__():
        if below.__name__ in errors.__all__ and below.__bases__[0] is kind:
            yield from error_items(below, f"{indent}    ")


def hooks_page() -> Iterator[str]:
    """The five hooks, and every name that a plugin may import."""
    yield "# Hooks\n"
    yield f"{prose(inspect.getdoc(hookspecs) or '')}\n"
    for hook in HOOKS:
        yield from function_section("##", hook, getattr(hookspecs, hook))
    yield "A plugin imports from `damlink` alone. The errors that it raises are on [their page](errors.md).\n"
    for title, names in NAMES.items():
        yield f"## {title}\n"
        for name in names:
            yield from name_section(name, getattr(damlink, name))
    known = {*sum(NAMES.values(), ()), *errors.__all__, "__version__"}
    if missing := set(damlink.__all__) - known:
        raise SystemExit(f"NAMES has no place for {', '.join(sorted(missing))}")


def name_section(name: str, value: Any) -> Iterator[str]:
    """One public name: a class, a function, or the marker."""
    if getattr(value, "__module__", "").partition(".")[0] == "httpx":
        text = f"`httpx.{value.__name__}`: see the documentation of httpx.{BESIDES.get(name, '')}"
        yield f"### `{name}`\n\n{text}\n"
    elif inspect.isclass(value):
        yield from class_section(name, value)
    elif inspect.isfunction(value):
        yield from function_section("###", name, value)
    else:
        yield f"### `{name}`\n\nThe marker of a hook: write `@{name}` above the function.\n"


def class_section(name: str, kind: type[Any]) -> Iterator[str]:
    """A class with its public methods; how it is made, unless the core makes it."""
    docstring = inspect.getdoc(kind) or ""
    yield f"### `{name}`\n"
    if name in NAMES[GIVEN]:
        docstring = docstring.partition("\n\nArgs:")[0]
    elif not getattr(kind, "_is_protocol", False):
        shape = attrs_shape(kind) if attrs.has(kind) else shape_of(kind.__init__)
        yield f"```python\n{name}({shape})\n```\n"
    yield f"{prose(docstring)}\n"
    for method, member in members_of(kind).items():
        yield from member_section(name, method, member)


def members_of(kind: type[Any]) -> dict[str, Any]:
    """Return what a class and its own bases define, the bases' first."""
    own = (base for base in reversed(kind.__mro__) if base.__module__.partition(".")[0] in PACKAGES)
    return {name: member for base in own for name, member in vars(base).items()}


def member_section(owner: str, name: str, member: Any) -> Iterator[str]:
    """One public method or property of a class."""
    function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
    if name.startswith(("_", "test_")) or not inspect.isfunction(function):
        return
    if isinstance(member, property):
        yield f"#### `{owner}.{name}`\n\n{prose(inspect.getdoc(function) or '')}\n"
    else:
        yield from function_section("####", f"{owner}.{name}", function)


def function_section(heading: str, name: str, function: Callable[..., Any]) -> Iterator[str]:
    """A function: its shape and its docstring."""
    returns = annotation_text(inspect.signature(function).return_annotation)
    yield f"{heading} `{name}`\n"
    yield f"```python\n{name}({shape_of(function)}) -> {returns}\n```\n"
    yield f"{prose(inspect.getdoc(function) or '')}\n"


def shape_of(function: Callable[..., Any]) -> str:
    """The arguments of a function."""
    shown, starred = [], False
    for each in inspect.signature(function).parameters.values():
        if each.name in ("self", "cls"):
            continue
        if each.kind is each.KEYWORD_ONLY and not starred:
            shown.append("*")
        starred = starred or each.kind in (each.KEYWORD_ONLY, each.VAR_POSITIONAL)
        mark = "**" if each.kind is each.VAR_KEYWORD else "*" if each.kind is each.VAR_POSITIONAL else ""
        shown.append(f"{mark}{each.name}: {annotation_text(each.annotation)}{default_of(each.default)}")
    return ", ".join(shown)


def attrs_shape(kind: type[Any]) -> str:
    """The fields of a record."""
    fields = attrs.fields(kind)
    star = ["*"] if any(field.kw_only for field in fields) else []
    return ", ".join(
        star + [f"{f.name}: {annotation_text(f.type)}{default_of(f.default)}" for f in fields if f.init]
    )


def default_of(value: Any) -> str:
    """` = value`, or nothing where there is none."""
    if value is inspect.Parameter.empty or value is attrs.NOTHING:
        return ""
    # A made-up secret would be found wherever the page is copied.
    if (isinstance(value, dict) and value) or SECRET_MARK in str(value):
        return " = …"
    factory = getattr(value, "factory", None)
    return f" = {factory.__name__}()" if factory else f" = {value!r}"


def annotation_text(annotation: Any) -> str:
    """An annotation as it stands in the source."""
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


SECTION: Final = re.compile(r"(Args|Attributes|Returns|Yields|Raises|Source):\s*(.*)")
ITEM: Final = re.compile(r" {4}([A-Za-z_][\w, ]*): (.*)")


def prose(docstring: str) -> str:
    """A docstring in Google's form as Markdown."""
    lines, is_code = [], False
    for line in docstring.splitlines():
        is_fence = line.lstrip().startswith("```")
        is_code = is_code != is_fence
        if is_code or is_fence:
            lines.append(line)
        elif section := SECTION.fullmatch(line):
            lines += [f"**{section[1]}:** {section[2]}".rstrip(), ""]
        elif item := ITEM.fullmatch(line):
            lines.append(f"- `{item[1]}`: {item[2]}")
        else:
            lines.append(f"  {line.strip()}" if line.startswith("     ") else line.strip())
    return "\n".join(lines)


def deviations_page() -> Iterator[str]:
    """Where Bynder's published definitions are not kept to."""
    yield "# Deviations from Bynder's definitions\n"
    yield (
        "If a folder with Bynder's published definitions (OpenAPI 3.1) is available, named by "
        "`DAMLINK_OPENAPI`, a test calls every method of the client and compares each request, and each "
        "answer of the sandbox, with them. What differs is listed here; anything else fails the test, and so "
        "does a row that no longer occurs. `*` stands for anything.\n"
    )
    rows = [(f"`{each.call}`", f"`{each.what}`", each.why, each.source) for each in DEVIATIONS]
    yield from table(("call", "what is otherwise", "why", "source"), rows)


def grade_page() -> Iterator[str]:
    """The rules of the kit and of the grade, by level."""
    yield "# Rules of the grade"
    yield ""
    yield "`damlink grade PLUGIN` tries each of these rules on an installed plugin, against the plugin's"
    yield "stand-in, within two minutes. A grade needs every rule of its level and of those above it in this"
    yield "list. A rule for which a plugin gives no occasion is skipped, and does not count against it."
    yield ""
    yield "The rules that only read the plugin come first. A rule has a minute of its own: what it waits"
    yield "for a processor does not count, so that a busy machine breaks none. A rule for which there is no"
    yield "time is *not tried*. If that leaves the grade open, the plugin is not graded: no grade is kept, no"
    yield "badge is written, and the command ends with [exit code](exit-codes.md) 6. Run it again on a"
    yield "quieter machine, or give it more time, as by `--timeout 600`."
    yield ""
    yield "`damlink test PLUGIN`, and the class `ConnectorContract` for pytest, try those of the kit. Those"
    yield "whose name begins with `distribution` or `code`, and `settings.secret`, belong to the grade alone."
    for level in LEVELS:
        yield f"\n## {level.capitalize()}\n"
        yield "| rule | proves | if it is broken |"
        yield "| --- | --- | --- |"
        for own, rule in list_graded_rules():
            if own == level:
                yield f"| `{rule.id}` | {_cell(rule.proves)} | {_cell(rule.cure)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PAGES: Final[dict[str, Callable[[], Iterator[str]]]] = {
    "settings.md": settings_page,
    "cli.md": cli_page,
    "bynder.md": bynder_page,
    "bynder-operations.md": operations_page,
    "bynder-python.md": python_page,
    "deviations.md": deviations_page,
    "exit-codes.md": exit_codes_page,
    "hooks.md": hooks_page,
    "errors.md": errors_page,
    "grade.md": grade_page,
    "testing.md": lambda: testing_page(name_section),
    "plugins.md": directory_page,
} | {f"plugins/{name}.md": lambda name=name: plugin_page(name) for name in PLUGINS}


def rendered(page: Callable[[], Iterator[str]]) -> str:
    """A page as it stands in its file."""
    text = "\n".join((NOTE, "", *page()))
    return re.sub(r"\n{3,}", "\n\n", text).rstrip() + "\n"


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if a page is stale.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=REFERENCE)
def main(check: bool, folder: Path) -> None:
    """Write the pages into FOLDER; if it is not given, into docs/reference, and the calls into the client."""
    pages = {folder / name: rendered(page) for name, page in PAGES.items()}
    if folder == REFERENCE:
        pages[CALLS] = calls_file()
    stale = [path for path, text in pages.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        if check:
            click.echo(f"{path} is stale; run: python tests/workspace/generate_reference.py", err=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(pages[path], encoding="utf-8")
            click.echo(f"written: {path}")
    sys.exit(1 if check and stale else 0)


if __name__ == "__main__":
    main()
