from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from gantrans.report.faults import read_health
from gantrans.training.health.health import Health
from gantrans.training.session import run
from tiny_run import tiny_spec

TWICE = '''
import gantrans
from gantrans.api.method import Phase, PhaseResult
from gantrans.api.step import TranslationStep


class Twice(gantrans.Method):
    """Two generators that go there and back; its phase tells of no translation."""

    name = "twice"
    provides = {"fake", "cycle"}

    def __init__(self, config, *, parts):
        super().__init__(config, parts=parts)
        g, f = parts.make_generator("g", "a", "b"), parts.make_generator("f", "b", "a")
        self.networks = {"g": g, "f": f}
        self.generators = {"ab": g, "ba": f}
        self.phases = [Cycles(self)]


class Cycles(Phase):
    def __init__(self, method):
        super().__init__("cycles", method.networks)
        self.g, self.f, self.losses = *method.networks.values(), method.parts.losses

    def forward(self, batch):
        fake = {"a": self.f(batch.real["b"]), "b": self.g(batch.real["a"])}
        cycle = {"a": self.f(fake["b"]), "b": self.g(fake["a"])}
        passes = {"real": batch.real, "fake": fake, "cycle": cycle}
        step = TranslationStep(passes, {})
        return PhaseResult(self.losses.terms("generator", step, batch.active))
'''


def test_a_method_whose_phases_tell_of_no_translation_is_trained(tmp_path: Path) -> None:
    (tmp_path / "twice.py").write_text(TWICE)
    losses = {"adversarial": None, "identity": None}
    train = {"epochs": 20, "log_every": 10}
    spec = tiny_spec(method={"type": "twice"}, losses=losses, train=train)
    del spec["discriminator"]
    run(spec, run_dir=tmp_path / "run", plugins=[tmp_path / "twice.py"])
    lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    seen = {curve for curve in json.loads(lines[0]) if curve.startswith("health/")}
    assert seen >= {"health/gradient/g", "health/gradient/f"}
    assert "detectors failed" not in (tmp_path / "run" / "log.txt").read_text()


@pytest.mark.parametrize("part", ["__init__", "observation", "read", "state", "close"])
def test_detectors_that_fail_are_dropped_and_training_goes_on(
    tmp_path: Path, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: object, **more: object) -> None:
        raise ZeroDivisionError("a fault of the detectors")

    monkeypatch.setattr(Health, part, fails)
    run(tiny_spec(train={"epochs": 3, "log_every": 5}), run_dir=tmp_path / "run")
    log = (tmp_path / "run" / "log.txt").read_text()
    assert log.count("ZeroDivisionError: a fault of the detectors") == 1
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["steps"] == 18


def test_a_method_of_one_direction_is_watched_for_collapse(tmp_path: Path) -> None:
    losses = {"cycle": None, "identity": None, "total_variation": {}}
    train = {"epochs": 17, "log_every": 10, "samples": 1}
    spec = tiny_spec(method={"type": "cut"}, losses=losses, train=train)
    run(spec, run_dir=tmp_path / "run")
    lines = map(json.loads, (tmp_path / "run" / "metrics.jsonl").read_text().splitlines())
    assert [line["step"] for line in lines if "health/variation/a->b" in line] == [100]


def test_numbers_that_are_not_finite_in_what_health_keeps_do_not_stop_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Health, "state", lambda self: {"x": torch.tensor(float("inf"))})
    run(tiny_spec(train={"epochs": 1}), run_dir=tmp_path / "run")
    assert (tmp_path / "run" / "checkpoints" / "step-00000006").is_dir()


def test_what_is_not_watched_any_more_is_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Health, "read", fails)
    run(tiny_spec(train={"epochs": 2, "log_every": 10}), run_dir=tmp_path / "run")
    assert json.loads((tmp_path / "run" / "health.jsonl").read_text())["state"] == "unwatched"
    health = read_health(tmp_path / "run" / "health.jsonl")
    assert not health.judged and health.damaged == 0
