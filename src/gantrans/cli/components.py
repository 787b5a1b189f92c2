"""`gantrans list-components`: what is installed, and what one component's keys are."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from gantrans.cli.options import PluginFiles
from gantrans.errors import UsageError

if TYPE_CHECKING:
    from gantrans.plugin.registry import Entry, Registry
    from gantrans.spec.describe import Key


@dataclass(frozen=True)
class Row:
    """One component, or one broken plugin, whose components are unknown (`kind`, `name` None)."""

    kind: str | None
    name: str | None
    summary: str
    origin: str
    version: str | None
    status: str
    reason: str | None

    @property
    def source(self) -> str:
        """The distribution and its version."""
        return f"{self.origin} {self.version or ''}".strip()


@dataclass(frozen=True)
class Description:
    """A component with its documentation and all its keys."""

    row: Row
    documentation: str
    keys: Sequence[Key]

    def as_table(self) -> dict[str, object]:
        """For JSON."""
        keys = [asdict(key) for key in self.keys]
        return {**asdict(self.row), "documentation": self.documentation, "keys": keys}


def list_components(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Describe this one, with all its keys.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind: loss, dataset, ...")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    plugin: PluginFiles = None,
) -> None:
    """List what a spec can name, and which plugin brings it."""
    from gantrans.api.component import KINDS
    from gantrans.api.problem import nearest
    from gantrans.plugin.manager import load_registry

    if kind is not None and kind not in KINDS:
        hint = nearest(kind, KINDS)
        raise UsageError(f"there is no kind {kind!r}{hint} (there are: {', '.join(KINDS)})")
    registry = load_registry(plugin or ())
    entries = [entry for entry in registry if kind in (None, entry.ref.kind)]
    if name is not None:
        entries = _called(name, entries, kind)
        described = [_describe(registry, entry) for entry in entries]
        if as_json:
            tables = [one.as_table() for one in described]
            typer.echo(json.dumps(tables, indent=2, ensure_ascii=False))
        else:
            for one in described:
                _print_described(one)
        return
    rows = [*(_row(registry, entry) for entry in entries), *_broken(registry)]
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False))
    else:
        _print_list(rows)


def _row(registry: Registry, entry: Entry) -> Row:
    ref, origin = entry.ref, entry.origin
    rivals = [str(other) for other in registry.rivals(entry)]
    return Row(
        ref.kind,
        ref.name,
        ref.summary,
        origin.name,
        origin.version or None,
        "conflict" if rivals else "ok",
        f"also claimed by {', '.join(rivals)}" if rivals else None,
    )


def _broken(registry: Registry) -> Iterator[Row]:
    for plugin in registry.broken:
        origin = plugin.origin
        yield Row(None, None, "", origin.name, origin.version or None, "broken", plugin.reason)


def _called(name: str, entries: Sequence[Entry], kind: str | None) -> list[Entry]:
    from gantrans.api.problem import nearest

    found = [entry for entry in entries if entry.ref.name == name]
    if not found:
        hint = nearest(name, sorted({entry.ref.name for entry in entries}))
        raise UsageError(
            f"no {kind or 'component'} is called {name!r}"
            + (hint or "; `gantrans list-components` shows all there are")
        )
    return found


def _describe(registry: Registry, entry: Entry) -> Description:
    """The component's documentation and keys, which its code must be imported for."""
    from gantrans.spec.describe import keys

    component = registry.component(entry.ref.kind, entry.ref.name)
    documentation = inspect.cleandoc(component.__doc__ or "")
    return Description(_row(registry, entry), documentation, list(keys(component.Config)))


def _print_described(one: Description) -> None:
    typer.echo(f"{one.row.kind} {one.row.name} ({one.row.source})\n\n{one.documentation}\n")
    if one.keys:
        heading = ("KEY", "TYPE", "DEFAULT", "MEANING")
        _print_aligned([heading, *((k.key, k.type, k.default, k.meaning) for k in one.keys)])
    else:
        typer.echo("It has no keys.")
    typer.echo()


def _print_list(rows: Sequence[Row]) -> None:
    named = [row for row in rows if row.kind and row.name]
    _print_aligned([(r.kind or "", r.name or "", r.summary, r.source, _conflict(r)) for r in named])
    broken = [row for row in rows if row.status == "broken"]
    if broken:
        typer.echo("\nBroken plugins:")
        _print_aligned([(row.source, row.reason or "") for row in broken])


def _conflict(row: Row) -> str:
    return f"conflict: {row.reason}" if row.reason else ""


def _print_aligned(rows: Sequence[tuple[str, ...]]) -> None:
    """Columns; on a terminal long cells are wrapped within theirs, elsewhere a row is a line."""
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        Console(highlight=False).print(table)
        return
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())
