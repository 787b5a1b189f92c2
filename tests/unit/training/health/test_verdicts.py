from __future__ import annotations

from dataclasses import replace

from gantrans.training.health.faults import FAULTS
from gantrans.training.health.verdicts import Verdict

HIGH = replace(FAULTS[0], threshold=1.0, over=0.9)
LOW = replace(FAULTS[0], threshold=-1.0, over=-0.9)


def changes(verdict: Verdict, values: list[float], every: int = 20, first: int = 20) -> list[int]:
    """The steps at which the verdict changes."""
    steps = range(first, first + every * len(values), every)
    return [step for step, value in zip(steps, values, strict=True) if verdict.look(step, value)]


def test_it_takes_ten_looks_and_180_steps_and_tells_since_when() -> None:
    verdict = Verdict(HIGH)
    assert changes(verdict, [2.0] * 10) == [200]
    assert verdict.active and verdict.since == 20 and verdict.value == 2.0
    assert changes(Verdict(HIGH), [2.0] * 9) == []
    assert changes(Verdict(HIGH), [2.0] * 30, every=10, first=10) == [190]


def test_seldom_looks_take_ten_of_them_however_long_that_is() -> None:
    assert changes(Verdict(HIGH), [2.0] * 12, every=1000, first=1000) == [10_000]


def test_single_looks_decide_nothing() -> None:
    assert changes(Verdict(HIGH), [0.0, 9.0, 0.0] * 20) == []


def test_a_number_about_the_threshold_does_not_begin_and_end_it_again_and_again() -> None:
    assert len(changes(Verdict(HIGH), [*[1.05] * 10, *[0.95, 1.05] * 20])) == 1
    assert len(changes(Verdict(LOW), [*[-1.05] * 10, *[-0.95, -1.05] * 20])) == 1


def test_it_ends_when_half_of_the_looks_are_well_again() -> None:
    verdict = Verdict(LOW)
    began, ended = changes(verdict, [*[-2.0] * 20, *[0.0] * 20])
    assert (began, ended) == (200, 520) and not verdict.active


def test_a_fault_that_was_saved_goes_on_until_it_is_seen_to_be_over() -> None:
    verdict = Verdict(HIGH, active=True)
    assert changes(verdict, [2.0] * 20) == [] and verdict.active
    assert len(changes(verdict, [0.0] * 20, first=420)) == 1 and not verdict.active
