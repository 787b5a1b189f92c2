"""Faults are made on purpose in real runs, and a sound run has none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gantrans.training.session import run
from tiny_run import tiny_spec

FAULTS = '''
import torch
import gantrans

class Inverting(gantrans.Loss):
    """The output is the negative of the input."""
    name = "inverting"
    requires = {"fake", "source"}

    def generator(self, step):
        return {d: (x + step.source[d]).abs().mean() for d, x in step.fake.items()}

class Explodes(gantrans.Loss):
    """Is not a number from the fifth step on."""
    name = "explodes"
    requires = {"fake"}

    class Config(gantrans.LossConfig):
        start: int = 4

    def generator(self, step):
        return step.fake["b"].mean() * float("nan")
'''


def watched(folder: Path, losses: dict[str, Any], epochs: int) -> list[dict[str, Any]]:
    (folder / "faults.py").write_text(FAULTS)
    spec = tiny_spec(
        domains={"a": "summer", "b": "winter"},
        data={"train": 40, "test": 0},
        losses=losses,
        optimizer={"lr": 2e-3},
        train={"epochs": epochs, "log_every": 10, "sample_every": 0},
        trackers={"jsonl": {}},
    )
    run(spec, run_dir=folder / "run", plugins=[folder / "faults.py"])
    return lines(folder)


def lines(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "run" / "health.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_a_sound_run_is_judged_and_has_no_fault(tmp_path: Path) -> None:
    assert [line["state"] for line in watched(tmp_path, {}, 10)] == ["judging"]
    curves = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1])
    seen = {name for name in curves if name.startswith("health/")}
    assert {f"health/unchanged/{way}" for way in ("summer->winter", "winter->summer")} <= seen
    assert {"health/doubt/winter", "health/gradient/generator_ab"} <= seen


def test_inverted_colours_are_told_in_the_file_and_in_the_log(tmp_path: Path) -> None:
    found = watched(tmp_path, {"identity": None, "inverting": {"weight": 30.0}}, 10)
    began = {line["where"] for line in found if line.get("fault") == "inverted"}
    assert began == {"summer->winter", "winter->summer"}
    log = (tmp_path / "run" / "log.txt").read_text()
    assert "summer->winter: light comes out dark and dark comes out light" in log


def test_a_run_that_ends_with_nan_says_why_in_the_file(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="explodes"):
        watched(tmp_path, {"explodes": {}}, 1)
    [found] = lines(tmp_path)
    assert found["fault"] == "not_finite" and "explodes" in found["seen"]
