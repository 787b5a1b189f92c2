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
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from gantrans.api.component import Component, ComponentRef
from gantrans.errors import PluginError
from gantrans.plugin import hookspecs
from gantrans.plugin.registry import BrokenPlugin, Entry, Origin, Registry

BUILTINS = "gantrans.builtins.hooks"


def load_registry(files: Iterable[Path] = (), environ: Mapping[str, str] = os.environ) -> Registry:
    """Everything installed, and the one-file plugins `files`.

    A plugin that fails is recorded in `registry.broken`; nothing is raised here.
    """
    registry = Registry()
    plugins = pluggy.PluginManager("gantrans")
    plugins.add_hookspecs(hookspecs)
    for point in _wanted(registry, environ.get("GANTRANS_PLUGINS")):
        origin = _origin(point)
        # One by one: pluggy's own loading and calling stop at the first plugin that raises.
        with _isolated(registry, origin):
            name = plugins.register(point.load(), name=f"{origin.name}:{point.name}")
            every = plugins.hook.gantrans_components.get_hookimpls()
            hooks = [hook for hook in every if hook.plugin_name == name]
            if not hooks:
                raise PluginError(
                    f"{point.value} has no function gantrans_components marked @gantrans.hookimpl"
                )
            _add_all(registry, origin, [ref for hook in hooks for ref in _given(hook.function())])
    for file in dict.fromkeys(Path(file).resolve() for file in files):
        _add_file(registry, file)
    return registry


def _origin(point: EntryPoint) -> Origin:
    """Its distribution, whose metadata may be damaged."""
    if point.dist is None:
        return Origin("?")
    return Origin(point.dist.name or "?", point.dist.version or "")


def _wanted(registry: Registry, choice: str | None) -> list[EntryPoint]:
    """The entry points to load, built-in ones always and first."""
    found = sorted(entry_points(group="gantrans"), key=lambda p: (p.value != BUILTINS, p.name))
    if choice is None:
        return found
    chosen = {_normal(name): name.strip() for name in choice.split(",") if name.strip()}
    called = {point: {_normal(point.name), _normal(_origin(point).name)} for point in found}
    for name in chosen.keys() - set().union(*called.values()) - {"none"}:
        registry.broken.append(
            BrokenPlugin(Origin(chosen[name]), "not installed, but named in GANTRANS_PLUGINS")
        )
    return [point for point in found if point.value == BUILTINS or called[point] & chosen.keys()]


def _normal(name: str) -> str:
    """Names of distributions are equal whatever their case and punctuation."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


@contextmanager
def _isolated(registry: Registry, origin: Origin) -> Iterator[None]:
    """Turns whatever a plugin raises into an entry of `registry.broken`."""
    try:
        yield
    except PluginError as error:
        registry.broken.append(BrokenPlugin(origin, str(error)))
    except (Exception, SystemExit) as error:
        # In a one-file plugin, its author wants to know the line.
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(origin.file)]
        where = f" (line {lines[-1]})" if lines else ""
        registry.broken.append(BrokenPlugin(origin, f"{type(error).__name__}: {error}{where}"))


def _given(refs: Any) -> Iterator[ComponentRef]:
    """What a hook returned, if it is what a hook should return."""
    if not isinstance(refs, Iterable):
        raise PluginError(f"gantrans_components() gave {refs!r}, no list of ComponentRef")
    for ref in refs:
        if not isinstance(ref, ComponentRef):
            raise PluginError(f"gantrans_components() gave {ref!r}, which is no ComponentRef")
        yield ref


def _add_all(registry: Registry, origin: Origin, refs: Sequence[ComponentRef]) -> None:
    """All or nothing: a plugin that is wrong in one point is broken as a whole."""
    for (kind, name), count in Counter((ref.kind, ref.name) for ref in refs).items():
        if count > 1:
            raise PluginError(f"it registers the {kind} {name!r} {count} times")
    for ref in refs:
        registry.add(Entry(ref, origin, _importer(ref.target)))


def _importer(target: str) -> Callable[[], type[Component]]:
    def load() -> type[Component]:
        module, _, name = target.partition(":")
        found: type[Component] = getattr(import_module(module), name)
        return found

    return load


def _add_file(registry: Registry, file: Path) -> None:
    with _isolated(registry, Origin(file.name, file=file)):
        if not file.is_file():
            raise PluginError(f"there is no file {file}")
        code = file.read_bytes()
        digest = hashlib.sha256(code).hexdigest()
        if digest in {origin.sha256 for origin in registry.file_plugins()}:
            return  # a copy, such as the one in a run directory
        module = _execute(code, file, f"gantrans_file_plugin_{file.stem}_{digest[:12]}")
        classes = [
            value
            for value in dict.fromkeys(v for v in vars(module).values() if isinstance(v, type))
            if issubclass(value, Component)
            and value.__module__ == module.__name__
            and vars(value).get("name")
        ]
        if not classes:
            raise PluginError("no component class is defined in it (a class with a `name`)")
        refs = [
            ComponentRef(c.kind, c.name, f"{module.__name__}:{c.__name__}", c.summary())
            for c in classes
        ]
        _add_all(registry, Origin(file.name, file=file, sha256=digest), refs)


def _execute(code: bytes, file: Path, name: str) -> ModuleType:
    """Run the bytes that were hashed as a module; once in a process for one content."""
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name)
    module.__file__ = str(file)
    sys.modules[name] = module
    try:
        exec(compile(code, file, "exec"), vars(module))
    except BaseException:
        del sys.modules[name]
        raise
    return module
