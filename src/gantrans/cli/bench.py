"""`gantrans bench`: how fast a spec trains here, where the time goes, and what would change it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gantrans.cli.columns import aligned, output_width
from gantrans.cli.options import PluginFiles, Settings
from gantrans.cli.say import say

if TYPE_CHECKING:
    from gantrans.training.bench.measure import Report
    from gantrans.training.bench.trials import Trial
    from gantrans.training.bench.work import Share


def bench(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="The spec, a TOML file.")],
    settings: Settings = None,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Steps in a group.  [default: those of about a second]"),
    ] = None,
    compiling: Annotated[
        bool | None,
        typer.Option(
            "--compile/--no-compile",
            help="Try compilation, which takes minutes; or use none.  [default: on CUDA]",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    plugin: PluginFiles = None,
    device: Annotated[
        str, typer.Option(metavar="auto|cpu|cuda|cuda:N|mps", help="Where to compute.")
    ] = "auto",
) -> None:
    """Measure how fast a spec trains here, where the time goes, and what would change it."""
    from gantrans.training.bench.measure import bench as measure

    with _progress() as show:
        report = measure(
            spec,
            settings=settings or (),
            plugins=plugin or (),
            device=device,
            steps=steps,
            compiling=compiling,
            say=show,
        )
    if as_json:
        import json

        typer.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False))
        return
    for line in _lines(report):
        say(line)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """What is being measured, on standard error: the report alone goes into a pipe."""
    from rich.console import Console

    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    if not console.is_terminal:
        yield console.print
        return
    with console.status("starting") as status:
        yield status.update


def _lines(report: Report) -> Iterator[str]:
    from gantrans.inference.memory import mebibytes

    seconds, whose = report.throughput.seconds, "of this process"
    if report.device != "cpu":
        whose = f"on {report.device}"
    yield f"{report.name}: {report.machine}, torch {report.torch}"
    rows = [
        ("speed", f"{report.images_per_second:.1f} images/s, {seconds:.4f} s a step"),
        ("waiting for data", f"{report.throughput.waiting:.1%} of the time"),
        ("peak memory", f"{mebibytes(report.peak)} {whose}" if report.peak else "not known"),
        (
            "arithmetic",
            f"{report.operations / 1e12:.4f} TFLOP a step: {report.teraflops:.3f} TFLOP/s",
        ),
    ]
    yield from _table(rows)
    if report.work:
        yield from ("", "where the time of a step goes, by the kind of work:")
        yield from _table([_share(part) for part in report.work])
    yield from ("", "by phase:")
    yield from _table([_share(part) for part in report.phases])
    yield from ("", "other settings, measured in turns with the spec's own:")
    yield from _table([("", "s/step", "faster", ""), *map(_tried, report.trials)])
    yield from ("", *report.advice)


def _share(part: Share) -> tuple[str, str, str]:
    return part.name, f"{part.share:6.1%}", f"{1000 * part.seconds:9.2f} ms"


def _tried(trial: Trial) -> tuple[str, str, str, str]:
    from gantrans.inference.memory import mebibytes

    if trial.failed:
        return trial.setting, "-", "-", trial.failed
    peak = mebibytes(trial.peak) if trial.peak else ""
    return trial.setting, f"{trial.seconds:.4f}", f"{trial.times_as_fast:.2f}x", peak


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for lines in aligned(rows, output_width()):
        yield from lines
