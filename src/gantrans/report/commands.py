"""What to do next with a run, as commands to copy."""

from __future__ import annotations

from shlex import quote
from typing import Any, NamedTuple

from gantrans.report.record import Record, table
from gantrans.report.values import count


class Command(NamedTuple):
    """A line for a shell, and what it does."""

    does: str
    line: str


def commands(record: Record) -> list[Command]:
    """Those that make sense for this run, with its path."""
    run = quote(str(record.path))
    targets = [record.domains[ends[1]] for ends in record.generators if ends in ("ab", "ba")]
    found = []
    if record.state.ending in ("interrupted", "failed"):
        found.append(Command("Go on with it", f"gantrans run --resume {run}"))
    elif record.state.ending == "stopped early":
        more = f"gantrans run --resume {run} --set train.stop_after=0"
        found.append(Command("Train to the last step all the same", more))
    elif record.state.over:
        more = f"gantrans run --resume {run} --set train.epochs={_twice(record)}"
        # It may have waited as long as it may just at its end.
        more += " --set train.stop_after=0" if _train(record).get("stop_after") else ""
        found.append(Command("Train twice as long", more))
    for target in targets:
        line = f"gantrans translate {run} IMAGE... --to {quote(target)} --out DIR"
        found.append(Command(f"Translate your own images to {target}", line))
    if targets:
        found.append(Command("Try it in the browser", f"gantrans serve {run}"))
        found.append(Command("Measure it, with intervals", f"gantrans evaluate {run}"))
        line = f"gantrans export {run} --to {quote(targets[0])} --out model.onnx"
        found.append(Command("Export it for other programs", line))
    line = f"gantrans report {run} OTHER_RUN --out compared.html"
    found.append(Command("Compare it with another run", line))
    found.append(Command("Make this report anew", f"gantrans report {run}"))
    return found


def _twice(record: Record) -> int | str:
    epochs = count(_train(record).get("epochs"))
    return 2 * epochs if epochs else "N"


def _train(record: Record) -> dict[str, Any]:
    return table(record.spec.get("train"))
