"""What logging costs late in a very long run, and what becomes of its report.

    python benchmarks/long_log.py [--reports 100000]

A run of tiny networks trains a few steps; then the trainer's own code reports on, at every 20th
step of a run of two million, with their terms and images: the ledger, the health detectors, the
live display on a terminal that shows nothing, the trackers jsonl and tensorboard (where that is
installed). Shown are the mean milliseconds a report in the first and in the last thousand, the
memory that the process held then, and the bytes that a report leaves on the disk. Then, each in a
process of its own, with its time and its peak of memory: `gantrans report` over that run directory,
with a sample picture for every 20th report, and what a resume does to metrics.jsonl. Linux is
needed, which tells the memory of a process.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from signal import Signals
from typing import Any, NamedTuple

import torch
from rich.console import Console

from gantrans.plugin.manager import load_registry
from gantrans.spec.load import load
from gantrans.training import rundir
from gantrans.training.assemble import assemble
from gantrans.training.feed import Feed, cached
from gantrans.training.health.observation import Observation
from gantrans.training.progress import LoggedProgress, progress_for
from gantrans.training.stop import StopRequest
from gantrans.training.trainer import Trainer
from machine import machine
from watching import WATCHING, Clocks

SOME = 1000
"""Reports at the beginning and at the end whose times are compared."""
EVERY = 20
"""Steps a report."""
SPEC: dict[str, Any] = {
    "data": {"type": "seasons", "size": 32, "train": 6, "test": 2, "workers": 0},
    "generator": {"type": "resnet", "width": 4, "blocks": 1},
    "discriminator": {"type": "patchgan", "width": 4, "layers": 2},
    "losses": {"adversarial": {}, "cycle": {}, "identity": {}},
    "train": {"log_every": EVERY},
    "trackers": {"jsonl": {}},
}
REPORT = "from gantrans.report.report import report; report([path])"
RESUME = (
    "from gantrans.builtins.trackers.jsonl import JSONL; "
    "JSONL(None, run_dir=path, start_step={step}).close()"
)
MEASURED = """\
import json, sys, time
from pathlib import Path
path = Path(sys.argv[1])
began = time.perf_counter()
{what}
took = time.perf_counter() - began
lines = Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) / 1024 for line in lines if "VmHWM" in line)
print(json.dumps([took, peak]))
"""


class Mark(NamedTuple):
    """When, the MiB that the process held, and the seconds of each part until then."""

    now: float
    held: float
    parts: dict[str, float]


class Logged(Trainer):
    """Trains eight steps, and reports of their images and like terms at many more."""

    reports: int
    clocks: Clocks
    marks: list[Mark]

    def _steps(self, stop: StopRequest) -> None:
        seen = list(self._seen(stop))
        evaluated = {
            f"metrics/{metric}/{where}": 1.0
            for metric in self.job.spec.metrics
            for where in ("a->b", "b->a")
        }
        self.marks = []
        for number in range(self.reports):
            if number in (0, SOME, self.reports - SOME):
                self.marks.append(self._mark())
            self.step += EVERY
            terms, batch = seen[number % len(seen)]
            observed = self.reporter.observation(self.step)
            if observed:
                for name, network in self.job.method.networks.items():
                    observed.gradients_of(name, list(network.parameters()))
                observed.images_of(batch)
            self.ledger.add(self.step, terms, [])
            self.progress.advance(self.step, self.job.steps)
            if number % 17 == 0:
                self.reporter.trackers.scalars(self.step, evaluated)
            self._report(self.training.rate(self.step))
            if (number + 1) % 20 == 0:
                self._picture()
        self.marks.append(self._mark())

    def _seen(self, stop: StopRequest) -> Iterator[tuple[Any, Any]]:
        with closing(Feed(self.job, cached(self.job, print, stop), 0, self.stopwatch)) as feed:
            for _ in range(8):
                batches = feed.take(stop)
                assert not isinstance(batches, Signals), batches
                observed = Observation(self.job.method.generators)
                terms = self.training(self.step, batches, observed)
                yield terms, observed._batch
        for network in self.job.method.networks.values():
            for weight in network.parameters():
                weight.grad = torch.randn_like(weight)
        self.reporter.pictures(0, self.training)

    def _picture(self) -> None:
        """The first one again, under the name of this step."""
        first = self.run.samples / "step-00000000.png"
        os.link(first, self.run.samples / f"step-{self.step:08d}.png")

    def _mark(self) -> Mark:
        return Mark(time.perf_counter(), _status("VmRSS"), dict(self.clocks.seconds))


def main() -> None:
    arguments = _arguments()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, {machine(torch.device('cpu'))}", flush=True)
    with tempfile.TemporaryDirectory() as folder, Path(os.devnull).open("w") as nowhere:
        run = Path(folder) / "run"
        terminal = Console(file=nowhere, force_terminal=True, width=100, height=40)
        _log(arguments.reports, run, terminal)
        for name in ("metrics.jsonl", "health.jsonl", "log.txt", "tensorboard", "samples"):
            _size(run / name, arguments.reports)
        took, peak = _alone(REPORT, run)
        size = (run / "report.html").stat().st_size / 2**20
        print(f"report: {took:.2f} s, at most {peak:.0f} MiB, {size:.2f} MiB of HTML")
        took, peak = _alone(RESUME.format(step=arguments.reports * EVERY // 2), run)
        print(f"metrics.jsonl at a resume half way: {took:.2f} s, at most {peak:.0f} MiB")


def _log(reports: int, folder: Path, terminal: Console) -> None:
    more = {"trackers": {"jsonl": {}}}
    if "tensorboard" in load_registry().names("tracker"):
        more["trackers"]["tensorboard"] = {}
    epochs = reports * EVERY // SPEC["data"]["train"] + 1
    spec = {**SPEC, **more, "train": {**SPEC["train"], "epochs": epochs}}
    job = assemble(load(spec), torch.device("cpu"))
    run = rundir.create(job.loaded, folder, folder.parent, {"steps": job.steps, "device": "cpu"})
    progress = LoggedProgress(progress_for(terminal), run.path / "log.txt")
    clocks = Clocks()
    for part in ("terms", "display", "trackers", "health"):
        for owner, name in WATCHING[part]:
            clocks.watch(owner, name, part)
    trainer = Logged(job, run, progress)
    trainer.reports, trainer.clocks = reports, clocks
    trainer.train(StopRequest())
    progress.close()
    first, second, third, last = trainer.marks
    print(f"{'ms a report':18} {'first ' + str(SOME):>12} {'last ' + str(SOME):>12}")
    for part in ("terms", "display", "trackers", "health"):
        early = second.parts[part] - first.parts.get(part, 0.0)
        _row(part, early, last.parts[part] - third.parts[part])
    _row("all, and the rest", second.now - first.now, last.now - third.now)
    print(f"{'MiB held':18} {second.held:12.0f} {last.held:12.0f}")


def _row(part: str, early: float, late: float) -> None:
    print(f"{part:18} {1e3 * early / SOME:12.3f} {1e3 * late / SOME:12.3f}", flush=True)


def _size(path: Path, reports: int) -> None:
    """Of a file, or of a folder's files, hard links once."""
    if not path.exists():
        return
    files = {file.stat().st_ino: file.stat().st_size for file in [path, *path.rglob("*")]}
    total = sum(files.values()) if path.is_dir() else path.stat().st_size
    print(f"{path.name}: {total / 2**20:.2f} MiB, {total / reports:.0f} bytes a report")


def _alone(what: str, path: Path) -> tuple[float, float]:
    """Seconds, and the MiB at the peak of a process that does it."""
    command = [sys.executable, "-c", MEASURED.format(what=what), str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    took, peak = json.loads(done.stdout.splitlines()[-1])
    return took, peak


def _status(key: str) -> float:
    """MiB, of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if key in line) / 1024


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--reports", type=int, default=100_000, help="lines of the log")
    return parser.parse_args()


if __name__ == "__main__":
    main()
