"""Finds plugins and takes each in on its own, so that one broken plugin never breaks the others.

A packaged plugin has an entry point in the group `gantrans`, whose module implements the hook. A
one-file plugin is a Python file that the user names, in the spec or with --plugin; every component
class defined in it is registered. The built-in components come through an entry point too.

The environment variable GANTRANS_PLUGINS limits which installed plugins load: `none`, or a comma
list of their entry points' or distributions' names.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
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
    for point in _wanted(environ.get("GANTRANS_PLUGINS")):
        distribution = point.dist
        origin = Origin(distribution.name, distribution.version) if distribution else Origin("?")
        # One by one: pluggy's own loading and calling stop at the first plugin that raises.
        with _isolated(registry, origin):
            plugins.register(point.load(), name=f"{origin.name}:{point.name}")
            for hook in plugins.hook.gantrans_components.get_hookimpls():
                if hook.plugin_name == f"{origin.name}:{point.name}":
                    _add_all(registry, origin, hook.function())
    for file in dict.fromkeys(Path(file).resolve() for file in files):
        _add_file(registry, file)
    return registry


def _wanted(choice: str | None) -> list[EntryPoint]:
    """The entry points to load, built-in ones always and first."""
    found = sorted(entry_points(group="gantrans"), key=lambda p: (p.value != BUILTINS, p.name))
    if choice is None:
        return found
    names = {name.strip() for name in choice.split(",")}
    return [
        point
        for point in found
        if point.value == BUILTINS
        or point.name in names
        or (point.dist is not None and point.dist.name in names)
    ]


@contextmanager
def _isolated(registry: Registry, origin: Origin) -> Iterator[None]:
    """Turns whatever a plugin raises into an entry of `registry.broken`."""
    try:
        yield
    except (Exception, SystemExit) as error:
        reason = (
            str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
        )
        registry.broken.append(BrokenPlugin(origin, reason))


def _add_all(registry: Registry, origin: Origin, refs: Any) -> None:
    # All or nothing: a plugin whose list turns out wrong half way is broken as a whole.
    refs = list(refs)
    for ref in refs:
        if not isinstance(ref, ComponentRef):
            raise PluginError(f"gantrans_components() gave {ref!r}, which is no ComponentRef")
    for ref in refs:
        registry.add(Entry(ref, origin, _importer(ref.target)))


def _importer(target: str) -> Callable[[], type[Component]]:
    def load() -> type[Component]:
        module, _, name = target.partition(":")
        found: type[Component] = getattr(import_module(module), name)
        return found

    return load


def _add_file(registry: Registry, file: Path) -> None:
    origin = Origin(file.name, file=file)
    with _isolated(registry, origin):
        if not file.is_file():
            raise PluginError(f"there is no file {file}")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        origin = Origin(file.name, file=file, sha256=digest)
        module = _execute(file, f"gantrans_file_plugin_{file.stem}_{digest[:12]}")
        classes = [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, Component)
            and value.__module__ == module.__name__
            and value.name
        ]
        if not classes:
            raise PluginError("no component class is defined in it (a class with a `name`)")
        for found in classes:
            ref = ComponentRef(
                found.kind, found.name, f"{module.__name__}:{found.__name__}", found.summary()
            )
            registry.add(Entry(ref, origin, _importer(ref.target)))


def _execute(file: Path, name: str) -> ModuleType:
    """Run a plugin file as a module; once in a process for one content."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise PluginError("it is no Python file (the name must end in .py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
