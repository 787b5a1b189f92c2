"""What watching costs: display, terms, trackers, health and samples, beside training itself.

    python benchmarks/watching.py [examples/seasons.toml] [--blocks 70]

First the run itself, on a terminal that shows nothing, with the trackers jsonl and tensorboard
(where that is installed): every call of a part is timed, less the calls of other parts in it, and
shown as milliseconds a step and as a share of the time of training. The display is drawn by a
thread of its own, whose processor time is counted. Evaluations and checkpoints are shown too; they
are not watching.

Then, as a check on what such clocks cannot see, blocks of as many steps as lie between two reports,
with everything on (but samples) and everything off in turns, in one process: the mean of the
differences of neighbours, since what comes each 100 steps is in one block of five, and its standard
error.
About six minutes on two CPU cores; nothing else should run.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from signal import Signals
from typing import Any

import torch
from rich.console import Console
from rich.live import Live

from gantrans.inference.device import choose_device
from gantrans.plugin.manager import load_registry
from gantrans.spec.load import load
from gantrans.training import rundir, session
from gantrans.training.assemble import assemble
from gantrans.training.feed import Feed, cached
from gantrans.training.health.health import Health
from gantrans.training.health.observation import Observation
from gantrans.training.ledger import Ledger
from gantrans.training.progress import LoggedProgress, progress_for
from gantrans.training.reporter import Reporter
from gantrans.training.stop import StopRequest
from gantrans.training.trackers import Trackers
from gantrans.training.trainer import Trainer
from machine import machine, now

DRAWN = "display, in its thread"
WATCHING: dict[str, list[tuple[type, str]]] = {
    "terms": [(Ledger, "add"), (Ledger, "read"), (Ledger, "check")],
    "display": [(LoggedProgress, name) for name in ("advance", "report", "picture", "say")],
    "trackers": [(Trackers, name) for name in ("__init__", "scalars", "images", "close")],
    "health": [
        *((Health, name) for name in ("__init__", "observation", "read", "close")),
        *((Observation, name) for name in ("gradients_of", "images_of")),
    ],
    "samples": [(Reporter, "pictures")],
}
BESIDE: dict[str, list[tuple[type, str]]] = {
    "evaluations": [(Trainer, "_evaluate")],
    "checkpoints": [(Trainer, "_save")],
}


class Clocks:
    """Seconds by part, each less those of the parts that it calls."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inner = [0.0]

    def watch(self, owner: type, name: str, part: str) -> None:
        """Time a method wherever it is called from."""
        method = getattr(owner, name)

        @functools.wraps(method)
        def timed(*arguments: Any, **more: Any) -> Any:
            began = time.perf_counter()
            self._inner.append(0.0)
            try:
                return method(*arguments, **more)
            finally:
                took = time.perf_counter() - began
                self.seconds[part] += took - self._inner.pop()
                self._inner[-1] += took

        setattr(owner, name, timed)

    def watch_thread(self, owner: type, name: str, part: str) -> None:
        """Processor time of a method that another thread calls; not in the main thread's parts."""
        method = getattr(owner, name)

        @functools.wraps(method)
        def timed(*arguments: Any, **more: Any) -> Any:
            if threading.current_thread() is threading.main_thread():
                return method(*arguments, **more)
            began = time.thread_time()
            try:
                return method(*arguments, **more)
            finally:
                self.seconds[part] += time.thread_time() - began

        setattr(owner, name, timed)


class Alternating(Trainer):
    """Trains in blocks with everything on and everything off; the seconds a step of each."""

    def alternate(self, blocks: int) -> tuple[list[float], list[float]]:
        """As many blocks of each, each as long as it is between two reports."""
        self.blocks, self.taken = blocks, ([], [])
        self.train(StopRequest())
        return self.taken

    def _steps(self, stop: StopRequest) -> None:
        samples = cached(self.job, self.progress.say, stop)
        self.stopwatch.start(self.step)
        length = self.job.spec.train.log_every
        with closing(Feed(self.job, samples, self.step, self.stopwatch)) as feed:
            for block in range(-2, 2 * self.blocks):  # the first two are not counted
                on = block % 4 in (0, 3)  # on off off on: neither is always the later one
                began = now(self.job.device)
                for _ in range(length):
                    self._one(feed, stop, on)
                if block >= 0:
                    self.taken[not on].append((now(self.job.device) - began) / length)

    def _one(self, feed: Feed, stop: StopRequest, on: bool) -> None:
        batches = feed.take(stop)
        assert not isinstance(batches, Signals), batches
        if on:
            observed = self.reporter.observation(self.step + 1)
            terms = self.training(self.step, batches, observed)
            self.step += 1
            self.ledger.add(self.step, terms, [batch.labels for batch in batches])
            self.progress.advance(self.step, self.job.steps)
            if self.step % self.job.spec.train.log_every == 0:
                self._report(self.training.rate(self.step - 1))
        else:
            self.training(self.step, batches)
            self.step += 1


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(arguments.threads)
    device = choose_device("auto")
    trackers = ["trackers.jsonl={}"]
    if "tensorboard" in load_registry().names("tracker"):
        trackers.append("trackers.tensorboard={}")
    print(f"torch {torch.__version__}, {machine(device)}; {arguments.spec}", flush=True)
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere:
        terminal = Console(file=nowhere, force_terminal=True, width=100, height=40)
        if arguments.blocks:
            _in_turns(arguments, trackers, terminal, Path(folder))
        _whole_run(arguments, trackers, terminal, Path(folder))


def _whole_run(
    arguments: argparse.Namespace, trackers: list[str], terminal: Console, folder: Path
) -> None:
    clocks = Clocks()
    for part, methods in {**WATCHING, **BESIDE}.items():
        for owner, name in methods:
            clocks.watch(owner, name, part)
    clocks.watch_thread(Live, "refresh", DRAWN)
    report: Callable[..., Any] = session.leave_report
    took: list[float] = []

    def timed_report(*given: Any) -> None:
        began = time.perf_counter()
        report(*given)
        took.append(time.perf_counter() - began)

    session.leave_report = timed_report
    done = session.run(arguments.spec, settings=trackers, run_dir=folder / "run", console=terminal)
    watching = [*WATCHING, DRAWN]
    print(f"\na run of {done.steps} steps, {done.seconds:.1f} s of training")
    print(f"{'':24} {'ms a step':>10} {'share':>8}")
    for part in watching:
        _row(part, clocks.seconds[part], done)
    _row("together", sum(clocks.seconds[part] for part in watching), done)
    for part in BESIDE:
        _row(part, clocks.seconds[part], done)
    print(f"the report at the end: {sum(took):.2f} s, once")


def _row(part: str, seconds: float, done: session.RunResult) -> None:
    print(f"{part:24} {1e3 * seconds / done.steps:10.3f} {seconds / done.seconds:8.2%}")


def _in_turns(
    arguments: argparse.Namespace, trackers: list[str], terminal: Console, folder: Path
) -> None:
    loaded = load(arguments.spec, settings=[*trackers, "train.epochs=1000"])
    job = assemble(loaded, choose_device("auto"))
    run = rundir.create(job.loaded, folder / "turns", folder, {"steps": job.steps})
    progress = LoggedProgress(progress_for(terminal), run.path / "log.txt")
    on, off = Alternating(job, run, progress).alternate(arguments.blocks)
    progress.close()
    differences = [one - other for one, other in zip(on, off, strict=True)]
    unsure = statistics.stdev(differences) / len(differences) ** 0.5
    middle = statistics.median(off)
    print(f"\nblocks of {job.spec.train.log_every} steps in turns, {len(on)} of each; medians")
    print(f"everything off           {1e3 * middle:10.3f} ms a step")
    print(f"everything on            {1e3 * statistics.median(on):10.3f} ms a step")
    print(
        f"mean of the differences  {statistics.mean(differences) / middle:10.2%}, "
        f"give or take {unsure / middle:.2%}",
        flush=True,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("spec", nargs="?", default="examples/seasons.toml", help="what to train")
    parser.add_argument("--blocks", type=int, default=70, help="of each kind, in turns; 0: none")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="CPU threads")
    return parser.parse_args()


if __name__ == "__main__":
    main()
