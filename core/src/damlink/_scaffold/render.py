"""Writes a distribution: renders each template with a blueprint, into a new folder."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import jinja2

from damlink._scaffold.blueprint import Blueprint
from damlink._version import __version__

__all__ = ["write_distribution"]

WIDTH: Final = 110
_TEMPLATES: Final = Path(__file__).parent / "template"
_SUFFIX: Final = ".jinja"


def write_distribution(blueprint: Blueprint, folder: Path) -> list[str]:
    """Write the files of a distribution into a folder that does not exist yet, and return their names.

    The folder is complete or is not there.

    Raises:
        FileExistsError: the folder is there already.
        OSError: it cannot be written.
    """
    if folder.exists():
        raise FileExistsError(folder)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        names = sorted(_write(blueprint, unfinished))
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return names


def _write(blueprint: Blueprint, folder: Path) -> Iterator[str]:
    environment = jinja2.Environment(  # noqa: S701 - Python and Markdown, no HTML
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"quote": quote, "fold": fold, "imports": fold_imports}
    for source in _sources(blueprint):
        template = environment.get_template(source)
        text = template.render(plan=blueprint, version=__version__, **_shortcuts(blueprint))
        name = source.partition("/")[2].removesuffix(_SUFFIX).replace("PACKAGE", blueprint.names.package)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        yield name
    if not blueprint.is_destination:
        name = f"src/{blueprint.names.package}/sandbox/rows.json"
        (folder / name).write_text(json.dumps(blueprint.rows, indent=2) + "\n", encoding="utf-8")
        yield name


def _sources(blueprint: Blueprint) -> Iterator[str]:
    """Yield the names of the templates."""
    for kind in ("common", "destination" if blueprint.is_destination else "source"):
        for path in sorted((_TEMPLATES / kind).rglob(f"*{_SUFFIX}")):
            if path.name != "auth.py.jinja" or blueprint.auth.kind != "none":
                yield path.relative_to(_TEMPLATES).as_posix()


def _shortcuts(blueprint: Blueprint) -> dict[str, Any]:
    names = blueprint.names
    return {
        "title": names.title,
        "cls": names.cls,
        "context": f"ctx: Context[{names.cls}Settings]",
        "package": names.package,
        "plugin": names.plugin,
        "auth": blueprint.auth,
        "listing": blueprint.listing,
        "paging": blueprint.listing.paging,
        "row": blueprint.row,
    }


def quote(value: object) -> str:
    """Return a text as Python writes it, in double quotes."""
    return json.dumps(value, ensure_ascii=False)


def fold(head: str, arguments: Iterable[Any], indent: int = 0, tail: str = ")") -> str:
    """Return a call, a dictionary or a tuple in as few lines as fit, in the form of ruff's formatter.

    Args:
        head: with its opening bracket.
        arguments: texts and lists of texts; empty ones are left out.
        tail: what closes it.
    """
    lists = ([each] if isinstance(each, str) else each for each in arguments)
    given: Sequence[str] = [text for texts in lists for text in texts if text]
    margin, inner = " " * indent, " " * (indent + 4)
    whole = f"{head}{', '.join(given)}{tail}"
    if len(margin) + len(whole) <= WIDTH:
        return whole
    body = f"{inner}{', '.join(given)}"
    is_collection = head.endswith(("{", "= ("))
    if len(given) == 1 or (len(body) <= WIDTH and not is_collection):
        return f"{head}\n{body}\n{margin}{tail}"
    return f"{head}\n{''.join(f'{inner}{each},' + chr(10) for each in given)}{margin}{tail}"


def fold_imports(module: str, names: Iterable[str]) -> str:
    """Return an import of several names, sorted as ruff sorts them."""
    order = sorted({name for name in names if name}, key=lambda name: (name.islower(), name))
    line = f"from {module} import {', '.join(order)}"
    if len(line) <= WIDTH:
        return line
    return f"from {module} import (\n{''.join(f'    {name},' + chr(10) for name in order)})"
