"""A number that is not finite stops the run; what was good is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from gantrans.inference.model_files import checkpoint_folders
from processes import Launcher, given, last_step

PLUGIN = """
import gantrans

class Mine(gantrans.Loss):
    "Is not a number, in one direction."
    name = "mine"
    requires = {"fake"}

    def generator(self, step):
        return {"ab": step.fake["b"].mean() * float("nan")}
"""


@pytest.mark.parametrize("log_every", [1, 99], ids=["logged at once", "found when saving"])
def test_a_term_that_is_not_finite(
    launcher: Launcher, spec: Path, tmp_path: Path, log_every: int
) -> None:
    plugin, run = tmp_path / "mine.py", tmp_path / "run"
    plugin.write_text(PLUGIN)
    settings = ["losses.mine={start = 4}", f"train.log_every={log_every}", "train.evaluate_every=5"]
    said = launcher(
        "run", spec, "--plugin", plugin, *given(*settings), "--run-dir", run, cwd=tmp_path
    ).complaint(1)
    assert "generators/mine/summer->winter became nan at step 5, on train-000" in said
    assert said.count("train-000") == 2
    assert "optimizer.lr" in said and f"gantrans run --resume {run} --set KEY=VALUE" in said
    assert str(checkpoint_folders(run / "checkpoints")[-1]) in said
    assert last_step(run) == 4
    assert not (run / "summary.json").exists()

    advised = ["--set", "losses.mine.weight=0"]
    ended = launcher("run", "--resume", run, *advised, cwd=tmp_path)
    assert ended.code == 0, ended


@pytest.mark.parametrize("ema", [0, 0.9])
def test_weights_that_overflow_are_never_saved(
    launcher: Launcher, spec: Path, tmp_path: Path, ema: float
) -> None:
    run = tmp_path / "run"
    settings = ["optimizer.lr=1e37", "train.checkpoint_every=1", "train.keep_last=99",
                "train.log_every=99", f"train.ema={ema}"]  # fmt: skip
    said = launcher("run", spec, *given(*settings), "--run-dir", run, cwd=tmp_path).complaint(1)
    assert "became nan" in said or "became inf" in said or "not finite" in said
    for file in (run / "checkpoints").rglob("*.safetensors"):
        for key, tensor in load_file(file).items():
            assert torch.isfinite(tensor).all(), f"{key} of {file}"
