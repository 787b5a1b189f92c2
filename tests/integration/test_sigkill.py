"""A run that is killed, again and again, ends as if nothing had happened."""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from equal_runs import contents, curves
from gantrans.inference.model_files import checkpoint_folders
from gantrans.training import checkpoint
from processes import Launcher, given

SETTINGS = [
    "data.train=7",  # odd: an epoch of 8 samples sees one image twice
    "generator.dropout=0.3",
    "train.ema=0.9",
    "train.accumulate=2",
    "train.log_every=3",
    "train.sample_every=17",
    "train.evaluate_every=11",
    "train.checkpoint_every=2",
    "train.keep_last=2",
    "train.keep_every=20",
    "train.keep_best=3",
    "train.best_by='swd'",
]
KILLS = ["early", "anywhere", "saving", "anywhere", "saved"] * 2
"""Where each of ten is aimed at; the exact moment is drawn."""


def newest(run: Path) -> int:
    return max((int(f.name[5:]) for f in checkpoint_folders(run / "checkpoints")), default=0)


def aim(kind: str, run: Path, limit: int, draw: random.Random) -> Callable[[], bool]:
    """Whether the moment to kill has come; at the latest at `limit` steps, so that ten fit in."""
    before = newest(run)
    trained = (run / "log.txt").stat().st_size if (run / "log.txt").exists() else 0
    came: list[float] = []
    delay = draw.uniform(0, {"early": 0.15, "anywhere": 1.2, "saving": 0.02, "saved": 0.01}[kind])

    def there() -> bool:
        if kind == "early":
            return True
        if kind == "anywhere":
            return (run / "log.txt").exists() and (run / "log.txt").stat().st_size > trained
        if kind == "saving":
            return any((run / "checkpoints").glob(f"step-*{checkpoint.PARTIAL}"))
        return newest(run) > before

    def now() -> bool:
        if not came and there():
            came.append(time.monotonic())
        return newest(run) >= limit or bool(came and time.monotonic() >= came[0] + delay)

    return now


def check_nothing_is_half_written(run: Path) -> None:
    if not run.exists():
        return
    json.loads((run / "spec.resolved.json").read_text())
    kept = checkpoint_folders(run / "checkpoints")
    for folder in kept:
        loaded = checkpoint.load(folder, torch.device("cpu"))  # verifies every digest
        assert folder.name == f"step-{loaded.facts['step']:08d}"
    for pointer in ("latest", "best"):
        file = run / "checkpoints" / pointer
        if file.exists():
            assert run / "checkpoints" / file.read_text().strip() in kept


def check_kills_leave_no_trace(
    launcher: Launcher,
    spec: Path,
    steps: int,
    kills: list[str],
    draw: random.Random,
    workers: tuple[int, ...] = (0,),
    early: tuple[int, list[str]] | None = None,
) -> list[int]:
    """Kill a run of some steps, as `kills` says, and compare its end with that of one left alone.

    `early` says where it ends before its last step, and by which settings. Gives the newest
    checkpoint that there was after each kill.
    """
    settings = given(*SETTINGS, f"train.epochs={steps // 4}", *(early[1] if early else []))
    folder, steps = spec.parent, early[0] if early else steps
    whole, killed = folder / "whole", folder / "killed"
    ended = launcher("run", spec, *settings, "--run-dir", whole, cwd=folder)
    assert ended.code == 0, ended

    reached = []
    for n, kind in enumerate(kills):
        loaders = ["--set", f"data.workers={workers[n % len(workers)]}"]
        what = ["--resume", killed] if killed.exists() else [spec, *settings, "--run-dir", killed]
        process = launcher.start("run", *what, *loaders, cwd=folder)
        process.wait_until(aim(kind, killed, steps * (n + 1) // (len(kills) + 4), draw))
        process.send(signal.SIGKILL)
        ended = process.wait()
        assert ended.code == -signal.SIGKILL, ended
        check_nothing_is_half_written(killed)
        reached.append(newest(killed))
    print(reached)

    ended = launcher("run", "--resume", killed, "--set", "data.workers=0", cwd=folder)
    assert ended.code == 0, ended
    assert f"going on at step {reached[-1]}" in ended.out
    found, expected = contents(killed), contents(whole)
    assert found.keys() == expected.keys()
    assert [name for name in expected if found[name] != expected[name]] == []
    assert curves(killed) == curves(whole)
    summaries = [json.loads((run / "summary.json").read_text()) for run in (killed, whole)]
    assert summaries[0]["metrics"] == summaries[1]["metrics"]
    assert summaries[0]["steps"] == steps
    return reached


@pytest.mark.parametrize("workers", [(0, 0, 0), (1, 2, 0)], ids=["workers-0", "workers-vary"])
def test_ten_sigkills_leave_no_trace_in_what_a_run_ends_with(
    launcher: Launcher, spec: Path, workers: tuple[int, ...]
) -> None:
    draw = random.Random(f"kills/{workers}")
    reached = check_kills_leave_no_trace(launcher, spec, 56, KILLS, draw, workers)
    assert len(set(reached)) > 3, f"too few moments: {reached}"


def test_nor_do_they_in_a_run_that_ends_early(launcher: Launcher, spec: Path) -> None:
    """Weights that do not move get no better: the first evaluation is at 11, and two more wait."""
    draw = random.Random("early")
    settings = ["optimizer.lr=1e-30", "train.stop_after=2"]
    check_kills_leave_no_trace(launcher, spec, 56, KILLS[:5], draw, early=(33, settings))
    for run in ("killed", "whole"):
        summary = json.loads((spec.parent / run / "summary.json").read_text())
        assert summary["stopped"].startswith("no better swd in 2 evaluations")
        assert summary["best_step"] == 11


def test_nor_do_they_whatever_the_method(launcher: Launcher, one_way: Path) -> None:
    """All files alike: those of the networks, and the head's and its optimizer's state."""
    draw = random.Random(one_way.read_text())
    check_kills_leave_no_trace(launcher, one_way, 24, KILLS[1:5], draw)
    last = one_way.parent / "killed" / "checkpoints" / "step-00000024"
    parts = {key.split("/")[0] for key in load_file(last / "training.safetensors")}
    head = {"loss", "loss_optimizer"} if "patch_nce" in one_way.read_text() else set()
    assert parts == {"weights", "optimizer", "health", *head}
