"""What `gantrans list-components` prints for people: components by kind, and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from itertools import groupby
from typing import TYPE_CHECKING

import typer

from gantrans.cli.columns import aligned, output_width
from gantrans.cli.say import say

if TYPE_CHECKING:
    from gantrans.plugin.registry import Entry, Origin, Plugin, Registry


def show_components(registry: Registry, entries: Sequence[Entry]) -> None:
    """A block for each kind, with the columns of all blocks in line."""
    from gantrans.api.component import plural

    reasons = [registry.conflict(entry) for entry in entries]
    rows = [
        (
            entry.ref.name,
            entry.ref.summary,
            _said(entry.origin),
            *([f"conflict: {why}" if why else ""] if any(reasons) else []),
        )
        for entry, why in zip(entries, reasons, strict=True)
    ]
    blocks = zip(entries, aligned(rows, output_width()), strict=True)
    for kind, group in groupby(blocks, key=lambda block: block[0].ref.kind):
        _heading(plural(kind).upper())
        for _, lines in group:
            say("\n".join(lines))
        say()
    origins = {entry.origin for entry in entries}
    say(f"{_count(entries, 'component')} of {_count(origins, 'plugin')}")


def show_troubles(plugins: Sequence[Plugin]) -> None:
    """The plugins that are broken, and those that every command waits for."""
    broken = [(_said(one.origin), one.reason) for one in plugins if one.reason]
    if broken:
        say()
        _heading(f"{_count(broken, 'broken plugin')}:")
        _show(broken)
    slow = [
        (_said(one.origin), f"{one.seconds:.1f} s" + ", importing torch" * one.imports_torch)
        for one in plugins
        if one.is_slow
    ]
    if slow:
        say()
        _heading(f"{_count(slow, 'slow plugin')}, which every command waits for:")
        _show(slow)


def show_described(registry: Registry, entry: Entry) -> None:
    """One component: its documentation, presets and keys. Imports its code."""
    from gantrans.spec.describe import describe

    one = describe(registry.load(entry))
    conflict = registry.conflict(entry)
    _heading(f"{entry.ref.kind} {entry.ref.name} ({_said(entry.origin)})")
    if conflict:
        say(f"conflict: {conflict}")
    say(f"\n{one.documentation}\n")
    if one.requires is not None:
        say(f"Reads of a step: {', '.join(('real', *one.requires))}")
    say(f"File: {one.file}")
    if one.presets:
        say()
        _show([("PRESET", "STANDS FOR"), *one.presets.items()])
    say()
    if one.keys:
        heading = ("KEY", "TYPE", "DEFAULT", "MEANING")
        _show([heading, *((k.key, k.type, k.default, k.meaning) for k in one.keys)])
    else:
        say("It has no keys.")
    say()


def _show(rows: Sequence[Sequence[str]]) -> None:
    for lines in aligned(rows, output_width()):
        say("\n".join(lines))


def _heading(text: str) -> None:
    typer.secho(text, bold=True)  # on a terminal


def _said(origin: Origin) -> str:
    return f"{origin.name} {origin.version}".strip()


def _count(things: Sized, what: str) -> str:
    return f"{len(things)} {what}{'s' * (len(things) != 1)}"
