from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gantrans.spec.load import load
from gantrans.training.opening import opening
from gantrans.training.rundir import RunDirectory
from gantrans.training.session import rehearse
from gantrans.training.spec_warnings import spec_warnings
from tiny_run import tiny_job, tiny_spec


def warned(steps: int | None = 16, **changes: Any) -> list[str]:
    """The keys that are warned of."""
    lines = spec_warnings(load(tiny_spec(**changes)), steps)
    assert all(line.startswith("warning: spec: ") for line in lines)
    return [line.split(": ")[2] for line in lines]


@pytest.mark.parametrize(
    ("cycle", "expected"),
    [
        ({"ramp": 10**8}, ["losses.cycle.ramp"]),
        ({"ramp": 17}, ["losses.cycle.ramp"]),
        ({"ramp": 16}, []),
        ({"ramp": 16, "start": 1}, ["losses.cycle.ramp"]),
        ({"start": 16}, ["losses.cycle.start"]),
        ({"start": 15}, []),
        ({"every": 16}, ["losses.cycle.every"]),
        ({"every": 15}, []),
        ({"every": 8, "start": 8}, ["losses.cycle.every"]),
        ({"start": 10**12, "ramp": 5, "every": 10**12, "weight": 0}, []),
    ],
)
def test_losses_that_come_late_are_warned_of(cycle: dict[str, Any], expected: list[str]) -> None:
    assert warned(losses={"cycle": cycle}) == expected


@pytest.mark.parametrize("key", ["log", "sample", "evaluate", "checkpoint"])
def test_cadences_beyond_the_end_are_warned_of_where_they_were_chosen(key: str) -> None:
    assert warned(train={f"{key}_every": 17}) == [f"train.{key}_every"]
    assert warned(train={f"{key}_every": 16}) == []
    assert warned() == []  # the defaults, of a run that is shorter than they are


def test_a_rate_that_never_falls_is_known_without_counting_images() -> None:
    steps = {"decay": "step", "decay_every": 2}
    assert warned(None, train=steps) == ["train.decay_every"]
    assert warned(None, train={**steps, "decay_every": 1}, losses={"cycle": {"start": 99}}) == []


def test_a_run_and_its_rehearsal_show_them_with_their_lines(tmp_path: Path) -> None:
    ramp = {"cycle": {"ramp": 10**8}}
    said = opening(tiny_job(losses=ramp), RunDirectory(tmp_path), None)
    assert [line for line in said if line.startswith("warning: spec: losses.cycle.ramp: ")]
    shown = rehearse(tiny_spec(losses=ramp))
    assert [line for line in shown if line.startswith("warning: spec: losses.cycle.ramp: ")]
