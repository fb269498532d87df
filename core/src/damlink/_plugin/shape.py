"""Verification of a plugin's module before any call: its hooks, `settings_class` and `about`."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any, Final

import attrs

from damlink import hookspecs
from damlink._config.duration import Duration
from damlink._config.settings import fields_of
from damlink._config.tables import CONNECTOR_KEYS
from damlink._model import About

__all__ = [
    "HOOKS",
    "REQUIRED",
    "SOURCES",
    "NoSettings",
    "argument_problem",
    "declaration_problem",
    "function_problem",
    "hook_problem",
]

REQUIRED: Final = ("transform", "push")
SOURCES: Final = ("list_source_assets", "on_event")
HOOKS: Final = ("authenticate", *SOURCES, *REQUIRED)


@attrs.frozen
class NoSettings:
    """The settings of a plugin that has none."""


def hook_problem(module: ModuleType) -> str:
    """Return what is wrong with the hooks of a plugin's module, or nothing."""
    marker = f"{hookspecs.PROJECT}_impl"
    for name, member in vars(module).items():
        if not hasattr(member, marker):
            if name in HOOKS and _is_own_function(member, module):
                return f"{name} has no @hookimpl, so that it is never called; write @hookimpl above it"
            continue
        if name not in HOOKS:
            return f"there is no hook {name!r}; the hooks are {', '.join(HOOKS)}"
        if inspect.isclass(member):
            return f"{name} is a class; write a function"
        if inspect.iscoroutinefunction(member) or inspect.isasyncgenfunction(member):
            return f"{name} is async; write a plain function"
        if problem := argument_problem(name, member):
            return problem
    return ""


def _is_own_function(member: object, module: ModuleType) -> bool:
    return inspect.isfunction(member) and member.__module__ == module.__name__


def argument_problem(hook: str, function: Any, *, method: bool = False) -> str:
    """Return what is wrong with the arguments of a hook's implementation, or nothing.

    Args:
        method: whether the first argument is the object of a method.
    """
    offered = inspect.signature(getattr(hookspecs, hook)).parameters
    asked = list(inspect.signature(function).parameters.items())
    for name, parameter in asked[int(method) :]:
        if parameter.kind is parameter.VAR_KEYWORD and name.startswith("_"):
            continue
        if parameter.default is not parameter.empty:
            return f"{hook} gives {name} a default; remove it, it is always passed"
        if name not in offered:
            return f"{hook} asks for {name!r}; on offer are {', '.join(offered)}"
    return ""


def function_problem(module: ModuleType) -> str:
    """Return what is wrong with the plain functions of a plugin's module beside `check`, or nothing."""
    problems = (
        _function_problem(module, "classify", ["response"], "the error, or None"),
        _function_problem(module, "estimate", ["ctx", "source"], "a damlink.Estimate"),
    )
    return next(filter(None, problems), "")


def _function_problem(module: ModuleType, name: str, arguments: list[str], returns: str) -> str:
    function = getattr(module, name, None)
    if function is None:
        return ""
    if not inspect.isfunction(function) or inspect.iscoroutinefunction(function):
        return f"{name} is no plain function"
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return f"{name} yields; let it return {returns}"
    if [*inspect.signature(function).parameters] != arguments:
        return f"{name}{inspect.signature(function)} does not fit; write {name}({', '.join(arguments)})"
    return ""


def declaration_problem(module: ModuleType) -> str:
    """Return what is wrong with its `settings_class` and `about`, or nothing."""
    settings_class = getattr(module, "settings_class", NoSettings)
    if not inspect.isclass(settings_class) or not attrs.has(settings_class):
        return "settings_class is no attrs class; decorate it with @attrs.frozen"
    for field in fields_of(settings_class):
        if field.name in CONNECTOR_KEYS:
            return f"the setting {field.name!r} is the core's; give it another name"
    about = getattr(module, "about", None)
    if about is None:
        return ""
    if not isinstance(about, About):
        return "about is no damlink.About"
    return _duration_problem(about.every)


def _duration_problem(text: str | None) -> str:
    try:
        if text is not None:
            Duration.parse(text)
    except ValueError as error:
        return f"about.every: {error}"
    return ""
