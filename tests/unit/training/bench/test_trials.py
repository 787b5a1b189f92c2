from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from gantrans.errors import GantransError
from gantrans.training.bench import trials
from gantrans.training.bench.throughput import numbered, throughput
from gantrans.training.bench.trials import Candidate, Trial, candidates, tried
from gantrans.training.execution import Execution
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job

CPU = torch.device("cpu")


def keys(device: str, compiling: bool = False, **execution: Any) -> list[str]:
    """What is tried on a device, for a job that is assembled on the CPU."""
    job = tiny_job()
    object.__setattr__(job, "device", torch.device(device))
    used = {"precision": "fp32", "compiled": False, "channels_last": False, **execution}
    now_used = Execution(torch.device(device), **used)
    return [one.setting for one in candidates(job, now_used, compiling=compiling)]


def test_a_cpu_is_tried_with_what_can_help_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    assert keys("cpu") == ['train.precision = "bf16"', "OMP_NUM_THREADS=2"]
    assert keys("cpu", precision="bf16") == ['train.precision = "fp32"', "OMP_NUM_THREADS=2"]
    assert "train.compile = true" in keys("cpu", compiling=True)


def test_a_gpu_is_tried_with_every_lever_that_is_not_pulled() -> None:
    assert keys("cuda", compiling=True, compiled=True) == [
        'train.precision = "tf32"',
        'train.precision = "bf16"',
        "train.channels_last = true",
        'train.precision = "bf16", train.channels_last = true',
        "train.compile = false",
        "train.batch_size = 2",
        "train.recompute = true",
    ]
    assert keys("cuda", precision="bf16", channels_last=True) == [
        "train.channels_last = false",
        "train.batch_size = 2",
        "train.recompute = true",
    ]


def run(candidate: Candidate, **changes: Any) -> Trial:
    job = tiny_job(**changes)
    step = numbered(job, TrainingStep(job))
    return tried(job, step, candidate, steps_of(job, 2), steps=1, repeats=2)


def test_a_trial_measures_both_and_leaves_the_threads_as_they_were() -> None:
    before = torch.get_num_threads()
    for candidate in (
        Candidate("recompute", "train.recompute = true", {"recompute": True}),
        Candidate("batch_size", "train.batch_size = 2", batch=2),
        Candidate("threads", "OMP_NUM_THREADS=1", threads=1),
    ):
        found = run(candidate)
        assert (found.key, found.setting) == (candidate.key, candidate.setting)
        assert found.seconds > 0 and found.before > 0 and found.first > 0 and not found.failed
        assert found.times_as_fast == pytest.approx(found.before / found.seconds)
    assert torch.get_num_threads() == before


def test_twice_the_batch_is_twice_the_images_and_told_for_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []

    def counted(self: TrainingStep, step: int, loaded: Any) -> dict[str, Tensor]:
        seen.append(len(loaded[0].real["a"]))
        return {}

    monkeypatch.setattr(TrainingStep, "__call__", counted)
    clock = iter(range(1000))
    monkeypatch.setattr(trials, "now", lambda device: float(next(clock)))  # a second a group
    found = run(Candidate("batch_size", "train.batch_size = 6", batch=2), train={"batch_size": 3})
    assert set(seen) == {3, 6}
    assert (found.seconds, found.before, found.times_as_fast) == (0.5, 1.0, 2.0)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), "there is not enough memory"),
        (GantransError("torch cannot compile here"), "torch cannot compile here"),
    ],
)
def test_what_cannot_run_here_is_told_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def failing(*_: Any) -> None:
        raise error

    monkeypatch.setattr(trials, "with_settings", failing)
    found = run(Candidate("compile", "train.compile = true", {"compile": True}))
    assert found.failed == said
    assert found.times_as_fast == 0


def test_a_mistake_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any) -> None:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(trials, "with_settings", failing)
    with pytest.raises(RuntimeError, match="shapes"):
        run(Candidate("compile", "train.compile = true", {"compile": True}))


def test_throughput_counts_what_a_step_waits_for_its_data() -> None:
    job = tiny_job(train={"accumulate": 2})
    step = numbered(job, TrainingStep(job))
    found = throughput(job, step, steps=2, repeats=3, workers=0)
    assert 0 < found.waiting < 1
    assert found.seconds > 0 and found.spread >= 0


def test_steps_begin_again_where_the_run_would_end() -> None:
    job = tiny_job()
    seen: list[int] = []
    step = numbered(job, lambda number, loaded: seen.append(number))  # type: ignore[arg-type]
    for _ in range(job.steps + 2):
        step([])
    assert seen == [*range(job.steps), 0, 1]
