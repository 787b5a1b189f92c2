"""`gantrans list-components`: what is installed, and what one component's keys are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from gantrans.cli import listing
from gantrans.cli.options import PluginFiles
from gantrans.cli.say import say
from gantrans.errors import PluginError, UsageError

if TYPE_CHECKING:
    from gantrans.plugin.registry import Entry, Plugin, Registry

FORMAT_VERSION = 1
"""Of the JSON; it grows when a member changes its meaning or goes, not when one is added."""


def list_components(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Describe this one, with all its keys.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind: loss, dataset, ...")] = None,
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="DISTRIBUTION", help="Only what this plugin brings."),
    ] = None,
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only what has this in its name or summary.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    plugin: PluginFiles = None,
) -> None:
    """List what a spec can name, and which plugin brings it."""
    from gantrans.plugin.manager import load_registry

    _check_kind(kind)
    registry = load_registry(plugin or ())
    plugins = _brought_by(registry, from_)
    origins = {one.origin for one in plugins}
    text = (search or "").lower()
    entries = [
        entry
        for entry in registry
        if kind in (None, entry.ref.kind)
        and entry.origin in origins
        and text in f"{entry.ref.name} {entry.ref.summary}".lower()
    ]
    if name is not None:
        entries = _called(name, entries, kind, plugins)
    if as_json:
        typer.echo(_as_json(registry, entries, plugins, described=name is not None))
    elif name is not None:
        for entry in entries:
            _show_one(registry, entry, alone=len(entries) == 1)
    else:
        listing.show_components(registry, entries)
        listing.show_troubles(plugins)


def _show_one(registry: Registry, entry: Entry, alone: bool) -> None:
    """What cannot be loaded must not hide what else has the name."""
    try:
        listing.show_described(registry, entry)
    except PluginError as error:
        if alone:
            raise
        say(f"{error}\n")


def _check_kind(kind: str | None) -> None:
    from gantrans.api.component import KINDS
    from gantrans.api.problem import nearest

    if kind is not None and kind not in KINDS:
        hint = nearest(kind, KINDS)
        raise UsageError(f"there is no kind {kind!r}{hint} (there are: {', '.join(KINDS)})")


def _brought_by(registry: Registry, name: str | None) -> list[Plugin]:
    """The plugins called `name`, or all."""
    from gantrans.api.problem import nearest
    from gantrans.plugin.manager import normal

    if name is None:
        return registry.plugins
    found = [one for one in registry.plugins if normal(one.origin.name) == normal(name)]
    if not found:
        known = sorted({one.origin.name for one in registry.plugins})
        raise UsageError(
            f"no plugin is called {name!r}{nearest(name, known)} (there are: {', '.join(known)})"
        )
    return found


def _called(
    name: str, entries: Sequence[Entry], kind: str | None, plugins: Sequence[Plugin]
) -> list[Entry]:
    """The components called `name`, or `kind/name`."""
    from gantrans.api.problem import nearest

    names = {f"{entry.ref.kind}/{entry.ref.name}" for entry in entries}
    found = [e for e in entries if name in (e.ref.name, f"{e.ref.kind}/{e.ref.name}")]
    if not found:
        known = names if "/" in name else {one.partition("/")[2] for one in names}
        broken = [f"; {one.origin} is broken: {one.reason}" for one in plugins if one.reason]
        raise UsageError(
            f"no {kind or 'component'} is called {name!r}"
            + (nearest(name, sorted(known)) or "; `gantrans list-components` shows all there are")
            + "".join(broken)
        )
    return found


def _details(registry: Registry, entry: Entry, alone: bool) -> dict[str, object]:
    from gantrans.spec.describe import describe

    try:
        return asdict(describe(registry.load(entry)))
    except PluginError as error:
        if alone:
            raise
        return {"reason": str(error)}


def _as_json(
    registry: Registry, entries: Sequence[Entry], plugins: Sequence[Plugin], described: bool
) -> str:
    import json

    components = []
    for entry in entries:
        ref, conflict = entry.ref, registry.conflict(entry)
        components.append(
            {
                "kind": ref.kind,
                "name": ref.name,
                "summary": ref.summary,
                "origin": entry.origin.name,
                "version": entry.origin.version or None,
                "status": "conflict" if conflict else "ok",
                "reason": conflict,
                **(_details(registry, entry, len(entries) == 1) if described else {}),
            }
        )
    answer = {
        "format_version": FORMAT_VERSION,
        "components": components,
        "plugins": [
            {
                "origin": one.origin.name,
                "version": one.origin.version or None,
                "status": "broken" if one.reason else "slow" if one.is_slow else "ok",
                "reason": one.reason or None,
                "seconds": round(one.seconds, 3),
                "imports_torch": one.imports_torch,
            }
            for one in plugins
        ],
    }
    return json.dumps(answer, indent=2, ensure_ascii=False)
