"""A run that is taken up again with other settings or other images."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from gantrans.errors import GantransError, UsageError
from gantrans.training.session import run
from gantrans.training.step import TrainingStep
from pictures import folders
from tiny_run import tiny_spec


def interrupted(monkeypatch: pytest.MonkeyPatch, folder: Path, error: Exception) -> GantransError:
    """A run of six steps, of two images each, that ends in the fourth; its error."""
    real = TrainingStep.__call__

    def fails(self: TrainingStep, step: int, *more: Any) -> Any:
        if step == 3:
            raise error
        return real(self, step, *more)

    train = {"epochs": 2, "batch_size": 2, "checkpoint_every": 1, "log_every": 1}
    with monkeypatch.context() as patch, pytest.raises(GantransError) as caught:
        patch.setattr(TrainingStep, "__call__", fails)
        run(tiny_spec(train=train), run_dir=folder, device="cpu")
    return caught.value


def rates(path: Path) -> list[float]:
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    return [line["learning_rate"] for line in lines if "learning_rate" in line]


def test_the_advice_for_little_memory_keeps_the_steps_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = torch.OutOfMemoryError("CUDA out of memory")
    error = interrupted(monkeypatch, tmp_path / "run", out)
    settings = re.findall(r"--set (\S+=\d+)", str(error))
    assert settings == ["train.batch_size=1", "train.accumulate=2"]
    run(resume=tmp_path / "run", settings=settings, device="cpu")
    # Two epochs of three steps: constant for one, then linearly to 0.
    expected = [2e-4 * share for share in (1, 1, 1, 1, 2 / 3, 1 / 3)]
    assert rates(tmp_path / "run") == pytest.approx(expected)


def test_steps_of_another_size_are_refused_and_nothing_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run"
    interrupted(monkeypatch, path, MemoryError())
    before = {p: p.read_bytes() for p in path.rglob("*") if p.is_file() and p.name != "running"}
    for setting, keep in {
        "train.batch_size=1": "train.accumulate=2",
        "train.batch_size=4": "divides 2",
        "train.accumulate=2": "train.accumulate=1",
    }.items():
        with pytest.raises(UsageError, match=keep):
            run(resume=path, settings=[setting], device="cpu")
    after = {p: p.read_bytes() for p in path.rglob("*") if p.is_file() and p.name != "running"}
    assert after == before


def test_other_images_and_where_the_run_now_stands_are_said(tmp_path: Path) -> None:
    root = folders(tmp_path / "data", train=4, test=1)
    data = {"type": "unpaired_folder", "root": str(root), "transform": {"resize": 32, "crop": 32}}
    spec = tiny_spec(data={**data, "size": None, "train": None, "test": None}, train={"epochs": 1})
    path = run(spec, run_dir=tmp_path / "run", device="cpu").path

    Image.new("RGB", (40, 40)).save(root / "trainA" / "new.png")
    (root / "trainB" / "002.png").unlink()
    Image.new("RGB", (40, 40)).save(root / "testA" / "000.png")
    said = len((path / "log.txt").read_text())
    run(resume=path, settings=["train.epochs=2"], device="cpu")
    log = (path / "log.txt").read_text()[said:]
    assert re.search(r"train images of a .*1 added \(\S+/trainA/new.png\)", log)
    assert re.search(r"train images of b .*1 gone \(\S+/trainB/002.png\)", log)
    assert re.search(r"test images of a .*1 changed \(\S+/testA/000.png\)", log)
    assert "test images of b" not in log
    assert "an epoch has 5 steps, and had 4" in log and "0.80 epochs instead of 1.00" in log

    said = len((path / "log.txt").read_text())  # once it is said, it is known
    run(resume=path, settings=["train.epochs=3"], device="cpu")
    assert "last trained with" not in (path / "log.txt").read_text()[said:]
