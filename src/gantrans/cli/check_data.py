"""`gantrans check-data`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gantrans.cli.options import PluginFiles, Settings
from gantrans.cli.say import say
from gantrans.errors import GantransError, RunInterruptedError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from gantrans.data_check.facts import Collection
    from gantrans.data_check.finding import Finding
    from gantrans.data_check.plan import Plan

SHOWN = 5
"""Files of a finding that are listed on the screen."""


def check_data(
    data: Annotated[
        Path,
        typer.Argument(metavar="SPEC|DIR", help="A spec, or the folder of a data set."),
    ],
    settings: Settings = None,
    plugin: PluginFiles = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--json", metavar="FILE", help="Write all that was found.", show_default=False
        ),
    ] = None,
    grid: Annotated[
        Path | None,
        typer.Option(metavar="PNG", help="Draw the suspicious images.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Processes that read images; without it, one a processor.",
            show_default=False,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there already.")
    ] = False,
) -> None:
    """Read every image of a data set once, and say what would harm training."""
    from gantrans.data_check.picture import picture
    from gantrans.data_check.reading import cores
    from gantrans.data_check.record import record
    from gantrans.data_check.rules import findings
    from gantrans.inference.files.whole import refuse_unwritable

    for option, target in (("--json", out), ("--grid", grid)):
        if target is not None:
            refuse_unwritable(target, overwrite=overwrite, option=option)
    plan, needs = _plan(data, settings or (), plugin or ())
    read = 0
    try:
        with _progress(plan.total) as advance:

            def told(count: int) -> None:
                nonlocal read
                read += count
                advance(read)

            collection = plan.look(workers or cores(), told, needs)
        found = findings(collection)
        text = json.dumps(record(plan, collection, found), indent=1) + "\n"
        drawn = picture(plan, found) if grid is not None else None
    except KeyboardInterrupt:
        raise RunInterruptedError(
            f"interrupted after {read:,} of {plan.total:,} images; nothing was written"
        ) from None
    if out is not None:
        _write(out, overwrite, lambda beside: beside.write_text(text, encoding="utf-8"))
    if grid is not None and drawn is not None:
        _write(grid, overwrite, lambda beside: drawn.save(beside, format="PNG"))
    _show(collection, found)
    for target in (out, grid):
        if target is not None:
            say(f"wrote {target}")
    if any(finding.severity == "error" for finding in found):
        raise typer.Exit(1)


def _plan(
    data: Path, settings: Sequence[str], plugins: Sequence[Path]
) -> tuple[Plan, tuple[int, int]]:
    """What is to be looked at, and what the networks need where no crop sees to it."""
    from gantrans.data_check.plan import of_folder, of_spec

    if data.is_dir():
        if settings or plugins:
            raise UsageError(f"{data} is a folder: --set and --plugin belong to a spec; give one")
        return of_folder(data), (1, 1)
    if not data.exists():
        raise UsageError(f"{data} does not exist; give a spec or the folder of a data set")
    from gantrans.spec.load import load

    loaded = load(data, settings=settings, plugins=plugins)
    plan = of_spec(loaded)
    if all(part.transform is None or part.transform.crop for part in plan.parts):
        return plan, (1, 1)
    from gantrans.training.build import outline
    from gantrans.training.contradictions import check
    from gantrans.training.first_look import needs

    check(loaded)
    return plan, needs(outline(loaded)[0])


def _write(target: Path, overwrite: bool, write: Callable[[Path], object]) -> None:
    from gantrans.inference.files.whole import appearing

    try:
        with appearing(target, overwrite=overwrite) as beside:
            write(beside)
    except OSError as error:
        raise GantransError(f"cannot write {target}: {error.strerror or error}") from error


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """How far it is, on standard error where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    console = Console(stderr=True)
    columns = (TextColumn("reading images"), BarColumn(), MofNCompleteColumn(), Left())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as on:
        task = on.add_task("", total=total)
        yield lambda done: on.update(task, completed=done)


def _show(collection: Collection, found: Sequence[Finding]) -> None:
    """The table, then the findings."""
    from rich.console import Console

    from gantrans.cli.columns import output_width
    from gantrans.data_check.finding import SEVERITIES, plural

    _show_table(Console(highlight=False, markup=False, width=output_width() or 160), collection)
    for finding in found:
        _show_finding(finding)
    counted = [
        plural(sum(finding.severity == severity for finding in found), severity)
        for severity in SEVERITIES
    ]
    say(f"\n{', '.join(counted)}" if found else "\nnothing to complain of")


def _show_table(console: Console, collection: Collection) -> None:
    from rich.table import Table

    from gantrans.data_check.summary import HEADINGS, row
    from gantrans.inference.files.shown import shown

    table = Table(box=None, pad_edge=False, header_style="bold")
    for n, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="right" if 1 < n < len(HEADINGS) - 1 else "left")
    for group in collection.groups:
        table.add_row(*map(shown, row(group)))
    console.print(table)


def _show_finding(finding: Finding) -> None:
    from gantrans.inference.files.shown import shown

    colour = {"error": "red", "warning": "yellow", "note": "blue"}[finding.severity]
    say()
    typer.secho(f"{finding.severity}: ", fg=colour, bold=True, nl=False)
    say(f"{finding.text}  [{finding.kind}]")
    say(f"  meaning: {finding.means}")
    say(f"  to do:   {finding.do}")
    listed = [" = ".join(group) for group in finding.groups] or list(finding.files)
    if finding.reasons:
        listed = [": ".join(both) for both in zip(finding.files, finding.reasons, strict=True)]
    for line in listed[:SHOWN]:
        say(f"    {shown(line)}")
    if len(listed) > SHOWN:
        say(f"    and {len(listed) - SHOWN:,} more (all of them with --json)")
