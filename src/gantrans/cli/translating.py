"""What `gantrans translate` does and says. Only the command imports this, for it imports torch."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import torch
from rich.console import Console

from gantrans.errors import GantransError, UsageError
from gantrans.inference.files.handling import Handling, Outcome
from gantrans.inference.files.plan import Wanted, plan
from gantrans.inference.files.shown import shown
from gantrans.inference.files.translate import translate_files
from gantrans.inference.translator import Translator
from gantrans.training.distributed import Ranks


class Pace:
    """Counts images that are translated, and says how many a second; or how far a large one is."""

    def __init__(self) -> None:
        self.images, self._share, self._began = 0, 0.0, monotonic()

    def __call__(self, images: int) -> None:
        """So many more."""
        self.images, self._share = self.images + images, 0.0

    def look(self, share: float) -> None:
        """How much of a large image is done."""
        self._share = share

    def __str__(self) -> str:
        if self._share:
            return f"{self._share:.0%} of a large image"
        return f"{self.images / max(monotonic() - self._began, 1e-9):.3g} images/s"


def threads_for(device: torch.device, ranks: Ranks) -> int:
    """How many threads read and write files, unless the user says so.

    On a CPU the network takes all cores, and files are little work beside it; a GPU leaves the
    cores to files, and is fast.
    """
    if device.type == "cpu":
        return 2
    return max(2, min(8, (os.cpu_count() or 2) // ranks.here[1]))


@contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """Have SIGTERM end the work as Ctrl-C does: what is half written is taken away."""

    def end(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def translate_inputs(
    translator: Translator,
    inputs: Sequence[Path],
    out: Path | None,
    to: str | None,
    wanted: Wanted,
    handling: Handling,
    *,
    recursive: bool,
    overwrite: bool,
    resume: bool,
    ranks: Ranks,
) -> None:
    """Translate files into a folder, each process its share; the first one speaks for all."""
    if out is None:
        raise UsageError("say where to write: --out DIR")
    source, target = translator.files(to)
    planned = plan(
        inputs,
        out,
        recursive=recursive,
        overwrite=overwrite,
        resume=resume,
        wanted=wanted,
        source=source,
        target=target,
        share=(ranks.rank, ranks.count),
    )
    console = Console(soft_wrap=True, highlight=False, markup=False, quiet=not ranks.first)
    pace = Pace()
    outcomes = translate_files(translator, planned.jobs, to, handling, pace, pace.look)
    failed, files, images = [], 0, 0
    notes: list[tuple[str, str]] = []
    try:
        for outcome in _shown(console, outcomes, len(planned.jobs), pace):
            if outcome.error:
                failed.append(str(outcome.error))
            else:
                files, images = files + 1, images + outcome.images
                notes += [(note, shown(outcome.job.source)) for note in outcome.notes]
    except GantransError as error:
        raise type(error)("\n".join([str(error), *_failures(failed, "before")])) from error
    speed = str(pace)
    ranks.wait()  # torchrun would end the others as soon as one has failed
    told = ranks.exchange([files, images, planned.done, failed, speed, notes])
    for line in noted([tuple(note) for one in told for note in one[5]]):
        console.print(line)
    if planned.nested:
        console.print(f"left out {_images(planned.nested)} in subfolders; use --recursive")
    if done := sum(one[2] for one in told):
        console.print(f"left out {_images(done)} whose translation is there already")
    failed = [error for one in told for error in one[3]]
    files, images = (sum(one[n] for one in told) for n in (0, 1))
    what = _images(files) if files == images else f"{_files(files)} with {_images(images)}"
    speeds = " + ".join(one[4] for one in told if one[1])
    console.print(
        f"{what} translated to {translator.choose(to)}, in {shown(out)}"
        + (f" ({speeds})" if speeds else "")
    )
    if failed:
        raise GantransError("\n".join(_failures(failed)))


def _shown(
    console: Console, outcomes: Iterator[Outcome], total: int, pace: Pace
) -> Iterator[Outcome]:
    """The outcomes as they come: a moving bar on a terminal, a line each into a pipe."""
    if console.is_terminal and not console.quiet:
        yield from _moving(console, outcomes, total, pace)
        return
    for number, outcome in enumerate(outcomes, start=1):
        what = "failed" if outcome.error else f"-> {shown(outcome.job.target)}"
        console.print(f"{number}/{total} {shown(outcome.job.source)} {what}")
        yield outcome


def _moving(
    console: Console, outcomes: Iterator[Outcome], total: int, pace: Pace
) -> Iterator[Outcome]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Speed(ProgressColumn):
        """Also while a video, one file of many images, is translated."""

        def render(self, task: Task) -> Text:
            return Text(str(pace))

    columns = ("translating", BarColumn(), MofNCompleteColumn(), Speed(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total)
        for outcome in outcomes:
            bar.advance(task)
            yield outcome


def _failures(failed: Sequence[str], when: str = "") -> list[str]:
    """The lines that tell which images could not be translated."""
    if not failed:
        return []
    head = f"{_images(len(failed))} {when}".rstrip()
    return [f"{head} could not be translated:", *(f"  {error}" for error in failed)]


def noted(notes: Sequence[tuple[str, str]]) -> list[str]:
    """Return a line for each note, with the names of the first of its files."""
    files: dict[str, list[str]] = {}
    for note, file in notes:
        files.setdefault(note, []).append(file)
    return [
        f"note on {', '.join(names[:3])}{f' and {len(names) - 3} more' if names[3:] else ''}: "
        f"{shown(note)}"
        for note, names in files.items()
    ]


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"
