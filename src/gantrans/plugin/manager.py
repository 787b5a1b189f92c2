"""Finds plugins and takes each in on its own, so that one broken plugin never breaks the others.

A packaged plugin has an entry point in the group `gantrans`, whose module implements the hook. A
one-file plugin is a Python file that the user names, in the spec or with --plugin; every component
class defined in it is registered. The built-in components come through an entry point too.

The environment variable GANTRANS_PLUGINS limits which installed plugins load: `none`, or a comma
list of their entry points' or distributions' names.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pluggy

from gantrans.api.component import Component, ComponentRef
from gantrans.api.version import check_api_version
from gantrans.errors import PluginError
from gantrans.plugin import hookspecs, one_file
from gantrans.plugin.isolation import isolated
from gantrans.plugin.registry import Entry, Origin, Plugin, Registry

BUILTINS = "gantrans.builtins.hooks"


def load_registry(files: Iterable[Path] = (), environ: Mapping[str, str] = os.environ) -> Registry:
    """Everything installed, and the one-file plugins `files`.

    A plugin that fails is recorded in `registry.broken`; nothing is raised here.
    """
    registry = Registry()
    for point, origin in _wanted(registry, environ.get("GANTRANS_PLUGINS")):
        _take_in(registry, origin, partial(_packaged, point))
    for file in dict.fromkeys(map(resolved, files)):
        _take_in_file(registry, file)
    return registry


def _take_in(
    registry: Registry, origin: Origin, components: Callable[[], Iterable[ComponentRef]]
) -> None:
    """All or nothing: a plugin that is wrong in one point is broken as a whole."""
    refs: list[ComponentRef] = []
    with isolated(origin) as outcome:
        refs = _checked(components())
    for ref in refs:
        registry.add(Entry(ref, origin, _importer(ref.target)))
    reason = outcome.reason(origin.file)
    registry.plugins.append(Plugin(origin, reason, outcome.seconds, outcome.imports_torch))


def resolved(file: Path) -> Path:
    """The file that is meant, as `Origin.file` has it; the name itself, where no file can be."""
    try:
        return file.resolve()
    except (RuntimeError, OSError, ValueError):  # a link to itself, or a name with a zero
        return file.absolute()


def _take_in_file(registry: Registry, file: Path) -> None:
    try:
        code = file.read_bytes() if file.is_file() else None  # a pipe would be waited for
        reason = f"there is no file {file}"
    except OSError as error:
        code, reason = None, f"cannot read {file}: {error.strerror}"
    if code is None:
        registry.plugins.append(Plugin(Origin(file.name, file=file), reason))
        return
    digest = hashlib.sha256(code).hexdigest()
    if digest not in {origin.sha256 for origin in registry.file_plugins()}:  # else it is a copy
        origin = Origin(file.name, file=file, sha256=digest)
        _take_in(registry, origin, partial(one_file.components_of, code, file, digest))


def _packaged(point: EntryPoint) -> Iterator[Any]:
    """What the hook of an installed plugin gives."""
    if not point.pattern.match(point.value):
        raise PluginError(f"its entry point {point.name!r} names no module: {point.value!r}")
    module = point.load()
    check_api_version(getattr(module, "api_version", 1))
    # A manager of its own: pluggy's loading and calling stop at the first plugin that raises.
    plugins = pluggy.PluginManager("gantrans")
    plugins.add_hookspecs(hookspecs)
    plugins.register(module)
    hooks = plugins.hook.gantrans_components.get_hookimpls()
    if not hooks:
        raise PluginError(
            f"{point.value} has no function gantrans_components marked @gantrans.hookimpl"
        )
    for hook in hooks:
        given = hook.function()
        if not isinstance(given, Iterable):
            raise PluginError(f"gantrans_components() gave {given!r}, no list of ComponentRef")
        yield from given


def _checked(given: Iterable[Any]) -> list[ComponentRef]:
    """What a plugin registers, if it is what a plugin should."""
    refs = []
    for ref in given:
        if type(ref) is not ComponentRef:  # one derived from it could have left out its checks
            raise PluginError(f"gantrans_components() gave {ref!r}, which is no ComponentRef")
        if not isinstance(ref.summary, str):
            raise PluginError(f"the summary of the {ref.kind} {ref.name!r} is no text")
        summary = "".join(filter(str.isprintable, ref.summary))  # it goes to terminals
        refs.append(replace(ref, summary=summary))
    for (kind, name), count in Counter((ref.kind, ref.name) for ref in refs).items():
        if count > 1:
            raise PluginError(f"it registers the {kind} {name!r} {count} times")
    return refs


def _importer(target: str) -> Callable[[], type[Component]]:
    def load() -> type[Component]:
        module, _, name = target.partition(":")
        found: type[Component] = getattr(import_module(module), name)
        return found

    return load


def _wanted(registry: Registry, choice: str | None) -> list[tuple[EntryPoint, Origin]]:
    """The entry points to load and who they are from, built-in ones always and first."""
    points = [(point, _origin(point)) for point in entry_points(group="gantrans")]
    points.sort(key=lambda found: (found[0].value != BUILTINS, found[0].name, str(found[1])))
    if choice is None:
        return points
    chosen = {normal(name): name.strip() for name in choice.split(",") if name.strip()}
    names = [{normal(point.name), normal(origin.name)} for point, origin in points]
    for name in chosen.keys() - set().union(*names) - {"none"}:
        reason = "not installed, but named in GANTRANS_PLUGINS"
        registry.plugins.append(Plugin(Origin(chosen[name]), reason))
    return [
        found
        for found, called in zip(points, names, strict=True)
        if found[0].value == BUILTINS or called & chosen.keys()
    ]


def _origin(point: EntryPoint) -> Origin:
    """Its distribution; the entry point's name, where the distribution's metadata is damaged."""
    try:
        if point.dist:
            about = point.dist.metadata  # parsed anew each time it is asked for
            if about["Name"]:
                return Origin(about["Name"], about["Version"] or "")
    except Exception:  # anything that parsing anyone's file may raise
        pass
    return Origin(point.name)


def normal(name: str) -> str:
    """A distribution's name to compare with: case and punctuation make no difference."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
