"""What a TARGET means: a Python file, a distribution or its entry point, or a component."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import entry_points
from os.path import isfile
from pathlib import Path
from typing import Any

from gantrans.api.component import KINDS
from gantrans.api.problem import nearest
from gantrans.errors import UsageError
from gantrans.plugin.manager import load_registry, normal
from gantrans.plugin.registry import Entry, Origin, Registry
from gantrans.testing.check import CheckFailed
from gantrans.testing.subject import Subject

Settings = Mapping[str, Mapping[str, Any]]
"""Tables of the spec by `kind/name` of the component."""


def subjects_of(
    target: str,
    *,
    settings: Settings | None = None,
    kind: str | None = None,
    files: Iterable[Path] = (),
    base_dir: Path | None = None,
) -> list[Subject]:
    """The components that a target names, ready to be checked.

    Args:
        target: a one-file plugin's path, which ends in `.py`; the name of an installed
            distribution, or of its entry point, which means all that it brings; or a component as
            `name` or `kind/name`. The first of these that it fits is meant.
        settings: what components cannot do without, by `kind/name`.
        kind: only components of this kind.
        files: one-file plugins to load beside.
        base_dir: what relative paths are relative to; the working directory.

    Raises:
        UsageError: if it names nothing, or settings are for a component that it does not name.
        CheckFailed: if it names a plugin that is broken, with the reason.
    """
    base_dir = base_dir or Path.cwd()
    file, is_file = base_dir / target, target.endswith(".py")
    if is_file and not isfile(file):  # noqa: PTH113 - Path's raises if the name is too long
        raise UsageError(f"there is no file {file}")
    registry = load_registry([*files, *([file] if is_file else [])])
    entries = _in_file(registry, file) if is_file else _called(registry, target)
    if kind is not None:
        if kind not in KINDS:
            raise UsageError(
                f"there is no kind {kind!r}{nearest(kind, KINDS)} (there are: {', '.join(KINDS)})"
            )
        entries = [entry for entry in entries if entry.ref.kind == kind]
        if not entries:
            raise UsageError(f"{target} brings no {kind}")
    names = [f"{entry.ref.kind}/{entry.ref.name}" for entry in entries]
    for name in settings or ():
        if name not in names:
            raise UsageError(
                f"settings for {name!r}, which {target} does not bring{nearest(name, names)} "
                f"(it brings: {', '.join(names)})"
            )
    tables = settings or {}
    return [
        Subject(registry, entry, tables.get(name), base_dir)
        for name, entry in zip(names, entries, strict=True)
    ]


def _in_file(registry: Registry, file: Path) -> list[Entry]:
    at = file.resolve()
    _refuse_broken(registry, lambda origin: origin.file == at)
    found = [entry for entry in registry if entry.origin.file == at]
    if not found:  # one content is taken in once, under the name that came first
        raise UsageError(f"{file} has the same content as another --plugin: name only one of them")
    return found


def _called(registry: Registry, target: str) -> list[Entry]:
    """What a distribution brings, or the components of a name."""
    distributions = {normal(plugin.origin.name): plugin.origin for plugin in registry.plugins}
    for point in entry_points(group="gantrans"):
        if point.dist is not None and normal(point.dist.name) in distributions:
            distributions.setdefault(normal(point.name), distributions[normal(point.dist.name)])
    if origin := distributions.get(normal(target)):
        _refuse_broken(registry, lambda other: other == origin)
        return [entry for entry in registry if entry.origin == origin]
    kind, slash, name = target.rpartition("/")
    entries = list(registry)
    found = [e for e in entries if e.ref.name == name and (not slash or e.ref.kind == kind)]
    if not found:
        components = {f"{e.ref.kind}/{e.ref.name}" if slash else e.ref.name for e in entries}
        known = sorted(components | {origin.name for origin in distributions.values()})
        raise UsageError(
            f"no file, no installed plugin and no component is called {target!r}"
            f"{nearest(target, known)}; `gantrans list-components` shows all there are"
        )
    return found


def _refuse_broken(registry: Registry, meant: Callable[[Origin], bool]) -> None:
    for plugin in registry.broken:
        if meant(plugin.origin):
            raise CheckFailed(f"the plugin {plugin.origin} cannot be taken in: {plugin.reason}")
