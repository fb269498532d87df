"""Print figures of the code: rooms, import arrows, cycles, lines, the words of its docstrings, and what an
installation brings.

python tests/workspace/figures.py [--json]
"""

from __future__ import annotations

import ast
import io
import itertools
import json
import sys
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any, Final

import attrs
import click
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = {
    "core": ROOT / "core/src/damlink",
    "istock": ROOT / "plugins/istock/src/damlink_istock",
    "imatag": ROOT / "plugins/imatag/src/damlink_imatag",
    "gelato": ROOT / "plugins/gelato/src/damlink_gelato",
    "folder": ROOT / "plugins/folder/src/damlink_folder",
    "sandbox": ROOT / "plugins/sandbox/src/damlink_sandbox",
}
_PLUGINS: Final = ("damlink", "damlink-istock", "damlink-imatag", "damlink-gelato", "damlink-folder")
INSTALLATIONS: Final = {
    "damlink": ("damlink",),
    "damlink and four plugins": _PLUGINS,
    "with the sandbox": (*_PLUGINS, "damlink-sandbox"),
}
RELATIVE: Final = frozenset({"What", "Whether", "How", "Who", "Where", "Which", "Whose"})
IRREGULAR: Final = frozenset(
    {
        "told",
        "found",
        "known",
        "kept",
        "met",
        "made",
        "sent",
        "shown",
        "given",
        "taken",
        "seen",
        "chosen",
        "held",
        "heard",
        "brought",
        "written",
        "gone",
        "begun",
        "said",
        "lost",
        "built",
    }
)
ADJECTIVES: Final = frozenset(
    {"need", "feed", "speed", "seed", "embed"}
)  # end like a participle and are none

Definition = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@attrs.frozen
class Source:
    """One module: its dotted name, its text and its tree."""

    name: str
    path: Path
    text: str
    tree: ast.Module


@attrs.frozen(kw_only=True)
class Words:
    """How the definitions of some modules are named and described.

    Attributes:
        relative: docstrings that open with a relative clause, as `path:line`.
        participles: functions named by a participle, as `path:line name`.
    """

    docstrings: int
    relative: tuple[str, ...]
    functions: int
    participles: tuple[str, ...]
    comment_lines: int
    lines: int
    code_lines: int


def read_package(folder: Path) -> list[Source]:
    """Read every module below a package's folder, in the order of their names."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text(encoding="utf-8")
        found.append(Source(name, path, text, ast.parse(text)))
    return found


# --- imports ---------------------------------------------------------------------------------------


def arrows_of(sources: Iterable[Source]) -> dict[str, set[str]]:
    """Return which module imports which, among the given ones; imports for type checking count."""
    known = {source.name: source for source in sources}
    return {name: set(_imports(source, known)) - {name} for name, source in known.items()}


def _imports(source: Source, known: Mapping[str, Source]) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield from [whole] if whole in known else [node.module] if node.module in known else []


def cycles_of(arrows: Mapping[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that import each other in circles (Tarjan's algorithm)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []
    numbers = itertools.count()

    def visit(name: str) -> None:
        index[name] = low[name] = next(numbers)
        stack.append(name)
        for other in sorted(arrows[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            place = stack.index(name)
            group, stack[place:] = sorted(stack[place:]), []
            found.extend([group] if len(group) > 1 else [])

    for name in sorted(arrows):
        if name not in index:
            visit(name)
    return found


# --- words -----------------------------------------------------------------------------------------


def words_of(sources: Iterable[Source]) -> Words:
    """Count the words of some modules."""
    relative, participles, docstrings, functions, comments, lines, code = [], [], 0, 0, 0, 0, 0
    for source in sources:
        place = source.path.relative_to(ROOT)
        for node in definitions_of(source.tree):
            text = ast.get_docstring(node)
            docstrings += bool(text)
            if text and text.split()[0] in RELATIVE:
                relative.append(f"{place}:{getattr(node, 'lineno', 1)}")
            if is_named_function(node):
                functions += 1
                if is_participle(node.name.strip("_").split("_")[0]):
                    participles.append(f"{place}:{node.lineno} {node.name}")
        comments += _comment_lines(source.text)
        lines += len(source.text.splitlines())
        code += _code_lines(source)
    return Words(
        docstrings=docstrings,
        relative=tuple(relative),
        functions=functions,
        participles=tuple(participles),
        comment_lines=comments,
        lines=lines,
        code_lines=code,
    )


def definitions_of(tree: ast.Module) -> Iterator[Definition]:
    """Yield a module and every class and function in it."""
    for node in ast.walk(tree):
        if isinstance(node, Definition):
            yield node


def is_named_function(node: Definition) -> bool:
    """Return whether a definition is a function whose name should be a verb; properties are values."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("__"):
        return False
    return not any("property" in ast.unparse(each) for each in node.decorator_list)


def is_participle(word: str) -> bool:
    """Return whether a word is a participle, as far as its letters say."""
    return word in IRREGULAR or (word.endswith("ed") and len(word) > 3 and word not in ADJECTIVES)


def _comment_lines(text: str) -> int:
    """Count the lines that hold a comment and nothing else."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return sum(
        token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip() for token in tokens
    )


def _code_lines(source: Source) -> int:
    """Count the lines that hold code: neither empty, nor a comment, nor part of a docstring."""
    texts = (node.body[0] for node in definitions_of(source.tree) if ast.get_docstring(node))
    in_docstring = {line for text in texts for line in range(text.lineno, (text.end_lineno or 0) + 1)}
    lines = enumerate(source.text.splitlines(), 1)
    return sum(bool(line.strip()) for at, line in lines if at not in in_docstring) - _comment_lines(
        source.text
    )


# --- an installation -------------------------------------------------------------------------------


def installation(names: Iterable[str]) -> dict[str, int]:
    """Return the bytes of each distribution that an installation of these brings, without extras.

    A distribution of this repository counts by its sources, any other by its installed files.
    """
    sizes: dict[str, int] = {}
    wanted = list(names)
    while wanted:
        name = canonicalize_name(wanted.pop())
        if name not in sizes:
            found = distribution(name)
            sizes[name] = _source_bytes(name) or _installed_bytes(found)
            needed = map(Requirement, found.requires or ())
            wanted += [
                each.name for each in needed if each.marker is None or each.marker.evaluate({"extra": ""})
            ]
    return sizes


def _source_bytes(name: str) -> int:
    folder = PACKAGES.get("core" if name == "damlink" else name.removeprefix("damlink-"))
    files = [each for each in folder.rglob("*") if "__pycache__" not in each.parts] if folder else []
    return sum(each.stat().st_size for each in files if each.is_file())


def _installed_bytes(found: Distribution) -> int:
    places = (Path(str(each.locate())) for each in found.files or () if each.suffix != ".pyc")
    return sum(each.stat().st_size for each in places if each.is_file())


# --- the report ------------------------------------------------------------------------------------


def figures() -> dict[str, Any]:
    """Return the figures of every package that there is."""
    return {name: _figures(folder) for name, folder in PACKAGES.items() if folder.is_dir()}


def _figures(folder: Path) -> dict[str, Any]:
    sources = read_package(folder)
    arrows, words = arrows_of(sources), words_of(sources)
    return {
        "modules": len(sources),
        "rooms": sum(1 for each in folder.rglob("__init__.py")),
        "modules beside the rooms": sum(1 for each in folder.glob("*.py")),
        "import arrows": sum(map(len, arrows.values())),
        "modules in cycles": sum(map(len, cycles_of(arrows))),
        "lines": words.lines,
        "lines of code": words.code_lines,
        "docstrings that open with a relative clause, %": _percent(len(words.relative), words.docstrings),
        "functions named by a participle, %": _percent(len(words.participles), words.functions),
        "comment lines, %": _percent(words.comment_lines, words.lines),
    }


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def main() -> None:
    """Print the figures as a table, or as JSON."""
    found = figures()
    if "--json" in sys.argv:
        click.echo(json.dumps(found, indent=2))
        return
    names = list(next(iter(found.values())))
    width = max(map(len, names))
    click.echo(" ".join([" " * width, *(f"{package:>8}" for package in found)]))
    for name in names:
        click.echo(" ".join([f"{name:<{width}}", *(f"{found[package][name]:>8}" for package in found)]))
    for title, names in INSTALLATIONS.items():
        sizes = installation(names)
        click.echo(f"{title}: {len(sizes)} distributions, {sum(sizes.values()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
