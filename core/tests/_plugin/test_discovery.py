from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from damlink import __version__
from damlink._plugin.discovery import PluginInfo, find, list_plugins
from damlink.errors import PluginLoadError

Install = Callable[..., Path]


def known(name: str) -> PluginInfo:
    (info,) = {info for info in list_plugins() if info.name == name}
    return info


def test_installed_when_a_plugin_is_there_tells_its_facts_without_importing_it(install: Install) -> None:
    install("acme", "raise AssertionError('it was imported')")
    assert known("acme") == PluginInfo(
        "acme", "damlink-acme", "1.0", "damlink_acme_plugin", "The acme plugin.", ""
    )
    assert "damlink_acme_plugin" not in sys.modules


def test_installed_when_several_are_there_is_sorted_by_name(install: Install) -> None:
    for name in ("zeta", "acme", "mid"):
        install(name)
    names = [info.name for info in list_plugins()]
    assert names == sorted(names)
    assert {"zeta", "acme", "mid"} <= set(names)


@pytest.mark.parametrize(
    ("module", "missing"),
    [
        ("damlink_nowhere", True),
        ("damlink_nowhere.plugin", True),
        ("json.nowhere", True),
        ("json.tool", False),
        ("no module at all", True),
        (".relative", True),
    ],
)
def test_installed_when_its_module_is_missing_says_so(install: Install, module: str, missing: bool) -> None:
    install("acme", None, module=module)
    said = f"its module {module} is missing; reinstall it" if missing else ""
    assert known("acme").problem == said


@pytest.mark.parametrize(
    ("requires", "fits"),
    [
        ("damlink", True),
        ("damlink>=0.1", True),
        (f"damlink=={__version__}", True),
        ("damlink>=99", False),
        ("damlink[sandbox]<0.0.1", False),
        ("damlink~=0.0.1", False),
        ("damlink >= 99 ; python_version >= '3'", False),
        ("damlink ; python_version >= '3'", True),
        ("httpx>=99", True),
        ("???", True),
    ],
)
def test_installed_when_it_needs_another_core_says_which(install: Install, requires: str, fits: bool) -> None:
    install("acme", requires=requires)
    problem = known("acme").problem
    assert (problem == "") is fits
    assert fits or problem.startswith("it needs damlink ")
    assert fits or problem.endswith(f", and this is {__version__}; update one of the two")


def test_installed_when_two_share_a_name_names_both(install: Install) -> None:
    install("acme", distribution="acme-one", module="acme_one")
    install("acme", distribution="acme-two", module="acme_two")
    install("other")
    both = [info for info in list_plugins() if info.name == "acme"]
    said = "acme-one and acme-two share the name; uninstall one of them"
    assert [(info.distribution, info.problem) for info in both] == [("acme-one", said), ("acme-two", said)]
    assert known("other").problem == ""


def test_installed_when_a_path_is_searched_twice_shows_it_once(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install("acme")
    monkeypatch.syspath_prepend(f"{folder}/.")
    assert known("acme").problem == ""


def test_installed_when_a_distribution_is_there_twice_is_the_first_on_the_path(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("acme")
    newer = tmp_path / "newer" / "Damlink.Acme-2.0.dist-info"
    newer.mkdir(parents=True)
    (newer / "METADATA").write_text("Name: damlink-acme\nVersion: 2.0\n")
    monkeypatch.syspath_prepend(str(newer.parent))
    assert "acme" not in {info.name for info in list_plugins()}


def test_installed_when_its_files_have_comments_and_a_description_reads_the_rest(install: Install) -> None:
    (facts,) = install("acme").glob("*.dist-info")
    points = "# ours\n[other]\nwrong = nowhere\n\n[damlink]\n; a comment\nacme=damlink_acme_plugin \n"
    (facts / "entry_points.txt").write_text(points)
    (facts / "METADATA").write_text("Name: damlink-acme\nVersion: 1.0\n\nSummary: of the description\n")
    assert known("acme") == PluginInfo("acme", "damlink-acme", "1.0", "damlink_acme_plugin")
    assert "wrong" not in {info.name for info in list_plugins()}


def test_installed_when_it_is_in_an_archive_is_found(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install("acme")
    archive = shutil.make_archive(str(tmp_path / "plugins"), "zip", folder)
    shutil.rmtree(folder)
    monkeypatch.syspath_prepend(archive)
    assert known("acme") == PluginInfo(
        "acme", "damlink-acme", "1.0", "damlink_acme_plugin", "The acme plugin."
    )


def test_find_when_it_is_there_gives_it(install: Install) -> None:
    install("acme")
    assert find("acme") == known("acme")


def test_find_when_misspelt_names_place_and_the_nearest(install: Install) -> None:
    install("acme")
    with pytest.raises(PluginLoadError) as caught:
        find("acmee", "damlink.toml: connectors.a.plugin")
    assert str(caught.value) == (
        "damlink.toml: connectors.a.plugin: no plugin 'acmee' is installed; did you mean 'acme'?"
    )
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"requires": "damlink>=99"},
            f"it needs damlink >=99, and this is {__version__}; update one of the two",
        ),
        ({"source": None}, "its module damlink_acme_plugin is missing; reinstall it"),
    ],
    ids=["core range", "missing module"],
)
def test_find_when_it_cannot_be_used_says_why(install: Install, options: dict[str, str], said: str) -> None:
    install("acme", **options)
    with pytest.raises(PluginLoadError) as caught:
        find("acme")
    assert str(caught.value) == f"plugin 'acme' (damlink-acme): {said}"


def test_find_when_another_plugin_is_broken_still_works(install: Install) -> None:
    install("broken", None)
    install("acme")
    assert find("acme").problem == ""
    assert known("broken").problem != ""
