"""Ctrl-C and SIGTERM finish the step, save, and say how to go on."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gantrans.inference.model_files import checkpoint_folders
from gantrans.training import checkpoint
from processes import Launcher

LONG = ["--set", "train.epochs=10", "--set", "train.checkpoint_every=7", "--set", "train.ema=0.5"]
# Of images that are cached there is nothing to load.
WORKERS = ["--set", "data.workers=2", "--set", "data.cache_gib=0"]
STEPS = 60


@pytest.fixture(scope="module")
def uninterrupted(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory, tiny: str) -> Path:
    """The run directory of what all tests here interrupt."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    (folder / "tiny.toml").write_text(tiny)
    assert launcher("run", "tiny.toml", *LONG, "--run-dir", "run", cwd=folder).code == 0
    return folder / "run"


def last_weights(run: Path) -> dict[str, bytes]:
    folder = checkpoint_folders(run / "checkpoints")[-1]
    return {file.name: file.read_bytes() for file in folder.glob("*.safetensors")}


def has_trained(run: Path, steps: int = 3) -> Callable[[], bool]:
    metrics = run / "metrics.jsonl"
    return lambda: metrics.exists() and metrics.read_bytes().count(b"\n") >= steps


def check_saved_and_said(run: Path, code: int, said: str, by: str) -> int:
    """The step that was saved."""
    assert code == 130, said
    assert "Traceback" not in said
    (folder,) = checkpoint_folders(run / "checkpoints")[-1:]
    step = int(checkpoint.load(folder, torch.device("cpu")).facts["step"])
    lines = (run / "metrics.jsonl").read_text().splitlines()
    logged = [json.loads(line)["step"] for line in lines]
    assert step == max(logged), "the step under way was not finished and saved"
    assert f"stopped by {by}" in said
    assert f"{folder}" in said
    assert f"gantrans run --resume {run}" in said
    return step


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_signal_to_the_group_saves_and_a_resume_ends_alike(
    launcher: Launcher,
    spec: Path,
    tmp_path: Path,
    uninterrupted: Path,
    number: signal.Signals,
    workers: int,
) -> None:
    run = tmp_path / "run"
    loaders = ["--set", f"data.workers={workers}"]
    process = launcher.start("run", spec, *LONG, *loaders, "--run-dir", run, cwd=tmp_path)
    process.wait_until(has_trained(run))
    process.send_group(number)  # a terminal and a batch system reach the data workers too
    ended = process.wait()

    step = check_saved_and_said(run, ended.code, ended.err, number.name)
    assert 3 <= step < STEPS
    assert len(ended.err.splitlines()) == 1

    assert launcher("run", "--resume", run, cwd=tmp_path).code == 0
    assert last_weights(run) == last_weights(uninterrupted)


def test_ctrl_c_at_a_terminal_saves_and_leaves_the_display_in_order(
    launcher: Launcher, spec: Path, tmp_path: Path, uninterrupted: Path
) -> None:
    run = tmp_path / "run"
    ours, theirs = pty.openpty()
    process = launcher.start(
        "run", spec, *LONG, "--set", "data.workers=1", "--run-dir", run,
        cwd=tmp_path, tty=os.ttyname(theirs),
    )  # fmt: skip
    process.wait_until(has_trained(run, steps=20))
    os.write(ours, b"\x03")
    screen = b""
    while "--resume" not in screen.decode(errors="replace"):
        screen += os.read(ours, 65536)
    ended = process.wait()
    os.close(theirs)
    os.close(ours)

    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.decode()).replace("\r\n", "\n")
    check_saved_and_said(run, ended.code, shown.replace("\n", ""), "SIGINT")
    assert "images/s" in shown and "generators/cycle/summer" in shown  # it did draw
    assert screen.rindex(b"\x1b[?25h") > screen.rindex(b"\x1b[?25l")  # the cursor is shown again
    assert launcher("run", "--resume", run, cwd=tmp_path).code == 0
    assert last_weights(run) == last_weights(uninterrupted)


def test_the_installed_program_is_interrupted_like_its_parts(spec: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "gantrans", "run", spec, "--set", "train.epochs=500", "--set",
         "data.workers=2", "--run-dir", tmp_path / "run"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        while "step 3/" not in process.stdout.readline():
            pass
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    check_saved_and_said(tmp_path / "run", process.returncode, said, "SIGINT")
    assert len(said.splitlines()) == 1


def test_a_signal_before_the_first_step_ends_with_one_line(
    launcher: Launcher, spec: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    slow = tmp_path / "slow.py"
    slow.write_text(SLOW_TO_BUILD)
    process = launcher.start("run", spec, "--plugin", slow, "--set", "losses.slow={}", "--run-dir",
                             run, cwd=tmp_path)  # fmt: skip
    process.wait_until((tmp_path / "building").exists)
    process.send(signal.SIGINT)
    ended = process.wait()
    assert ended.code == 130
    assert "Nothing was saved yet" in ended.err and f"--resume {run}" in ended.err
    assert len(ended.err.splitlines()) == 1
    assert checkpoint_folders(run / "checkpoints") == []


def test_a_second_ctrl_c_ends_at_once_and_keeps_what_was_saved(
    launcher: Launcher, spec: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    slow = tmp_path / "slow.py"
    slow.write_text(SLOW_TO_COMPUTE)
    process = launcher.start("run", spec, "--plugin", slow, "--set", "losses.slow={start = 3}",
                             "--run-dir", run, cwd=tmp_path)  # fmt: skip
    process.wait_until((tmp_path / "computing").exists)
    process.send(signal.SIGINT)
    time.sleep(0.1)  # two pending signals of one kind are one
    process.send(signal.SIGINT)
    ended = process.wait()
    assert (ended.code, ended.err) == (130, "interrupted\n")
    assert [folder.name for folder in checkpoint_folders(run / "checkpoints")] == ["step-00000002"]


def test_a_data_worker_that_is_killed_ends_the_run_with_advice(
    launcher: Launcher, spec: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = launcher.start("run", spec, *LONG, *WORKERS, "--run-dir", run, cwd=tmp_path)
    process.wait_until(has_trained(run, steps=8))
    os.kill(children(process.pid)[0], signal.SIGKILL)
    ended = process.wait()
    assert ended.code == 1
    assert "data.workers" in ended.err and f"--resume {run}" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_data_workers_end_with_the_run(
    launcher: Launcher, spec: Path, tmp_path: Path, how: signal.Signals
) -> None:
    run = tmp_path / "run"
    process = launcher.start("run", spec, *LONG, *WORKERS, "--run-dir", run, cwd=tmp_path)
    process.wait_until(has_trained(run))
    workers = children(process.pid)
    assert len(workers) == 2
    process.send(how)
    process.wait()
    give_up = time.monotonic() + 20
    while any(alive(worker) for worker in workers):
        assert time.monotonic() < give_up, "a data worker outlives its run"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


SLOW_TO_BUILD = """
import time
from pathlib import Path
import gantrans

class Slow(gantrans.Loss):
    "Takes its time to be built."
    name = "slow"
    requires = {"fake"}

    def __init__(self, config):
        super().__init__(config)
        Path("building").touch()
        time.sleep(0.5)

    def generator(self, step):
        return step.fake["a"].mean()
"""

SLOW_TO_COMPUTE = """
import time
from pathlib import Path
import gantrans

class Slow(gantrans.Loss):
    "Takes its time to be computed."
    name = "slow"
    requires = {"fake"}

    def generator(self, step):
        Path("computing").touch()
        time.sleep(5)
        return step.fake["a"].mean()
"""
