"""`gantrans evaluate`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from gantrans.api.baseline import LABELS
from gantrans.cli.columns import aligned
from gantrans.cli.options import Device, Model, PluginFiles, Settings, TrustOption
from gantrans.cli.say import say
from gantrans.cli.trusting import ask
from gantrans.errors import GantransError, UsageError

if TYPE_CHECKING:
    from gantrans.training.judge import Judgement


def evaluate(
    model: Model,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="SPEC",
            help="A spec whose [data] is taken, and its [metrics] if it has some.  [default: "
            "the run's own]",
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="Just these metrics; also such that the spec lacks.  [default: those of the spec "
            "that can be had, and cycle]",
        ),
    ] = None,
    split: Annotated[Literal["test", "train"], typer.Option(help="Which images.")] = "test",
    settings: Settings = None,
    plugin: PluginFiles = None,
    trust: TrustOption = False,
    device: Device = "auto",
    as_json: Annotated[
        bool, typer.Option("--json", help="Write one JSON object, with the whole protocol.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write that object to a file.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file if it is there already.")
    ] = False,
) -> None:
    """Judge a trained model by numbers, each beside those of the baselines and with an interval."""
    names = [name.strip() for name in metrics.split(",")] if metrics is not None else None
    if names is not None and not all(names):
        raise UsageError(f"--metrics {metrics}: write names with commas between, such as swd,cycle")

    from gantrans.inference.files.whole import refuse_unwritable
    from gantrans.training.judge import judge

    if out is not None:
        refuse_unwritable(out, overwrite=overwrite)
    with _progress() as advance:
        found = judge(
            model,
            data=data,
            metrics=names,
            split=split,
            settings=settings or (),
            plugins=plugin or (),
            device=device,
            advance=advance,
            trust=trust or ask,
        )
    text = json.dumps(found.as_json(), indent=1)
    if out is not None:
        _write(out, text, overwrite)
    if as_json:
        typer.echo(text)
    else:
        say("\n".join(_lines(found, split)))


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A moving bar on standard error, if that is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    bar = Progress(console=console, transient=True, disable=not console.is_terminal)
    task = bar.add_task("judging", total=None)

    def advance(count: int, total: int) -> None:
        bar.start()  # only now: before, there may have been a question to answer
        bar.update(task, advance=count, total=total)

    try:
        yield advance
    finally:
        bar.stop()


def _lines(found: Judgement, split: str) -> Iterator[str]:
    counts = " and ".join(f"{count} of {name}" for name, count in found.images.items())
    yield f"{split} images: {counts}{', in pairs' if found.protocol['paired'] else ''}"
    for direction, scores in found.scores.items():
        yield ""
        yield direction.replace("->", " to ")
        head = ("metric", "value", "95 % interval", *LABELS.values(), "better is")
        rows = [head, *(_row(found, name, score) for name, score in scores.items())]
        for lines in aligned(rows, None):
            yield from lines
    said = [f"not measured: {name}, {why}" for name, why in found.left_out.items()]
    said += [f"warning: {warning}" for warning in found.warnings]
    if said:
        yield ""
        yield from said


def _row(found: Judgement, name: str, score: Any) -> tuple[str, ...]:
    from gantrans.training.evaluate import named
    from gantrans.training.standing import digits

    metric = named(found.metrics, name)
    unit = f" {metric.unit}" if metric.unit else ""
    ends = score.get("interval")
    known = score["baselines"]
    return (
        name,
        digits(score["value"]) + unit,
        f"{digits(ends[0])} to {digits(ends[1])}" if ends else "-",
        *(digits(known[name]) + unit if name in known else "-" for name in LABELS),
        "higher" if metric.higher_is_better else "lower",
    )


def _write(out: Path, text: str, overwrite: bool) -> None:
    from gantrans.inference.files.whole import appearing

    try:
        with appearing(out, overwrite=overwrite) as beside:
            beside.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise GantransError(f"cannot write {out}: {error.strerror or error}") from error
