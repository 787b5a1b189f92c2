"""Every fault is made, and caught; and a sound run raises none."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gantrans.api.generator import Generator
from gantrans.api.method import Batch
from gantrans.api.step import DOMAINS
from gantrans.training.health.faults import FAULTS
from gantrans.training.health.health import Health
from tiny_run import steps_of, tiny_job

NAMES = {"a": "summer", "b": "winter"}
SOUND = {
    "generators/adversarial/summer->winter": 0.3,
    "generators/adversarial/winter->summer": 0.4,
    "generators/cycle/summer": 0.1,
    "generators/cycle/winter": 0.1,
    "discriminators/adversarial/summer": 0.2,
    "discriminators/adversarial/winter": 0.15,
}


class Made(Generator):
    """A generator that is a formula."""

    name = "made"

    def __init__(self, formula: Callable[[Tensor], Tensor]) -> None:
        nn.Module.__init__(self)
        self.formula = formula

    def forward(self, x: Tensor) -> Tensor:
        return self.formula(x)


def darker(x: Tensor) -> Tensor:
    """A translation that is sound: other colours, and the way back is the same again."""
    return x.roll(1, dims=1) * 0.9


def watched(
    run_dir: Path,
    formula: Callable[[Tensor], Tensor] = darker,
    back: Callable[[Tensor], Tensor] = lambda x: x.roll(-1, dims=1) / 0.9,
    terms: Mapping[str, float] = SOUND,
    gradient: Callable[[int], float] = lambda step: 1e-3,
    steps: int = 700,
    start: int = 0,
    state: Mapping[str, Tensor] | None = None,
) -> Health:
    """The health of a run of 700 steps whose generator of a -> b is a formula."""
    job = tiny_job(domains=NAMES, data={"train": 12, "size": 64}, train={"epochs": 100})
    job.method.generators = {"ab": Made(formula), "ba": Made(back)}
    said: list[str] = []
    batches = [loaded[0].real for loaded in steps_of(job, 24)]
    images = {domain: [batch[domain][0] for batch in batches[:4]] for domain in DOMAINS}
    health = Health(job, run_dir=run_dir, start_step=start, images=images, say=said.append)
    health.load_state(state or {})
    weight = nn.Parameter(torch.zeros(10))
    for step in range(start + 20, start + steps + 1, 20):
        clock["step"] = step
        observed = health.observation(step)
        assert observed is not None
        real = batches[step // 20 % 24]
        weight.grad = torch.full((10,), gradient(step))
        observed.gradients_of("generator_ab", [weight])
        fake: dict[Any, Tensor] = {"b": formula(real["a"]), "a": back(real["b"])}
        observed.images_of(Batch(real=real, ordinal=0, active=(), fake=fake))
        health.read(step, observed, terms)
    health.close()
    return health


def began(run_dir: Path) -> set[tuple[str, str]]:
    lines = [json.loads(line) for line in (run_dir / "health.jsonl").read_text().splitlines()]
    return {(line["fault"], line["where"]) for line in lines if line["state"] == "began"}


def test_a_sound_run_has_no_fault(tmp_path: Path) -> None:
    health = watched(tmp_path)
    assert began(tmp_path) == set()
    assert health.in_a_line == "nothing wrong is seen"


def one_picture(x: Tensor) -> Tensor:
    rows = torch.linspace(-0.5, 0.5, x.shape[-2]).view(1, 1, -1, 1)
    return rows.expand_as(x) + 0.01 * x


def chequered(x: Tensor) -> Tensor:
    rows, columns = (torch.arange(side) for side in x.shape[-2:])
    return darker(x) + 0.06 * (1 - 2 * ((rows[:, None] + columns) % 2).float())


def hidden_in_noise(x: Tensor) -> Tensor:
    """One picture, and the input as a signal of a hundredth in it."""
    return one_picture(torch.zeros_like(x)) + 0.01 * x


def found_again(y: Tensor) -> Tensor:
    return 100 * (y - one_picture(torch.zeros_like(y)))


clock = {"step": 0}


def one_picture_that_changes(x: Tensor) -> Tensor:
    return one_picture(x) * 0.5 + (0.5 if clock["step"] % 200 < 100 else -0.5)


WHERE = "summer->winter"
FORMULAS = {
    "no_translation": lambda x: x + 0.01,
    "collapsed": one_picture,
    "collapsed, from one to the other": one_picture_that_changes,
    "inverted": lambda x: -x,
    "saturated": lambda x: (100 * darker(x)).clamp(-1, 1),
    "checkerboard": chequered,
}


@pytest.mark.parametrize("fault", FORMULAS)
def test_what_is_wrong_with_the_pictures_is_caught(tmp_path: Path, fault: str) -> None:
    health = watched(tmp_path, FORMULAS[fault])
    assert (fault.partition(",")[0], WHERE) in began(tmp_path)
    assert WHERE in health.in_a_line


def test_information_hidden_in_noise_is_caught(tmp_path: Path) -> None:
    watched(tmp_path, hidden_in_noise, found_again)
    assert ("hidden_information", WHERE) in began(tmp_path)


def test_a_translation_of_little_contrast_hides_nothing(tmp_path: Path) -> None:
    watched(tmp_path, lambda x: 0.25 * x.roll(1, dims=1), lambda x: (4 * x).roll(-1, dims=1))
    assert "hidden_information" not in {fault for fault, _ in began(tmp_path)}


TERMS = {
    ("discriminator_too_strong", "winter"): {"discriminators/adversarial/winter": 0.001},
    ("discriminator_too_weak", "winter"): {"discriminators/adversarial/winter": 0.6},
    ("one_sided", "cycle"): {"generators/cycle/winter": 0.9},
}


@pytest.mark.parametrize("fault", TERMS)
def test_what_is_wrong_with_the_terms_is_caught(tmp_path: Path, fault: tuple[str, str]) -> None:
    watched(tmp_path, terms={**SOUND, **TERMS[fault]})
    assert began(tmp_path) - {("one_sided", "discriminators")} == {fault}


GRADIENTS: dict[str, Callable[[int], float]] = {
    "vanishing_gradient": lambda step: 1e-9,
    "exploding_gradient": lambda step: 1e-3 if step < 500 else 1.0,
}


@pytest.mark.parametrize("fault", GRADIENTS)
def test_what_is_wrong_with_the_gradient_is_caught(tmp_path: Path, fault: str) -> None:
    watched(tmp_path, gradient=GRADIENTS[fault], steps=740)
    assert began(tmp_path) == {(fault, "generator_ab")}


def test_no_fault_of_the_table_is_left_out_here() -> None:
    made = {
        *(name.partition(",")[0] for name in FORMULAS),
        "hidden_information",
        *(name for name, _ in TERMS),
        *GRADIENTS,
    }
    assert made == {fault.name for fault in FAULTS}


def test_the_first_steps_are_not_judged(tmp_path: Path) -> None:
    health = watched(tmp_path, lambda x: -x, steps=360)
    assert began(tmp_path) == set()
    assert health.in_a_line == "too early to tell"


def test_a_verdict_says_what_is_seen_since_when_with_its_number(tmp_path: Path) -> None:
    watched(tmp_path, lambda x: -x)
    lines = [json.loads(line) for line in (tmp_path / "health.jsonl").read_text().splitlines()]
    [found] = [line for line in lines if line["state"] == "began" and line["where"] == WHERE]
    assert found["fault"] == "inverted" and found["value"] == pytest.approx(-1)
    assert found["since"] == 220 and found["step"] == 400  # the first that counts; ten are enough
    assert "-1.00" in found["seen"] and found["means"] and "identity" in found["try"]


def test_a_fault_that_ends_says_so(tmp_path: Path) -> None:
    watched(tmp_path, lambda x: -x)
    health = watched(tmp_path, start=700)
    lines = [json.loads(line) for line in (tmp_path / "health.jsonl").read_text().splitlines()]
    assert [line["fault"] for line in lines if line["state"] == "ended"].count("inverted") == 1
    assert health.in_a_line == "nothing wrong is seen"


def test_a_resumed_run_forgets_what_comes_after_and_keeps_what_was_there(tmp_path: Path) -> None:
    watched(tmp_path, lambda x: -x)
    job = tiny_job(domains=NAMES, train={"epochs": 100})
    earlier = Health(job, run_dir=tmp_path, start_step=380, images={}, say=print)
    assert earlier.in_a_line == "too early to tell" and began(tmp_path) == set()
    earlier.close()
    watched(tmp_path, lambda x: -x)
    later = Health(job, run_dir=tmp_path, start_step=700, images={}, say=print)
    assert "inverted colours (summer->winter) since step 220" in later.in_a_line
    later.close()


def test_a_fault_whose_number_is_not_measured_any_more_is_over(tmp_path: Path) -> None:
    watched(tmp_path, terms={**SOUND, "generators/identity/summer": 1.0})
    assert ("one_sided", "identity") in began(tmp_path)
    health = watched(tmp_path, start=700)  # without the loss, as one was told to try
    assert health.in_a_line == "nothing wrong is seen"


def test_since_is_when_it_was_first_seen_of_the_looks_that_count(tmp_path: Path) -> None:
    watched(tmp_path, terms=SOUND, gradient=lambda step: 1e-3 if step < 520 else 1e-9)
    lines = [json.loads(line) for line in (tmp_path / "health.jsonl").read_text().splitlines()]
    [found] = [line for line in lines if line.get("fault") == "vanishing_gradient"]
    assert found["since"] == 520 and found["step"] == 620


@pytest.mark.parametrize(
    "line",
    ['{"step": 5, "fault": "inverted", "state": "began", "where": "x"}', '{"step": "5"}',
     '{"step": 1e999}', "[" * 100_000, "nonsense"],
)  # fmt: skip
def test_a_damaged_file_does_not_keep_a_run_from_going_on(tmp_path: Path, line: str) -> None:
    (tmp_path / "health.jsonl").write_text(line + "\n")
    health = Health(tiny_job(), run_dir=tmp_path, start_step=10, images={}, say=print)
    assert ("inverted" in health.in_a_line) == ("inverted" in line)
    health.close()


def test_a_disk_that_is_full_stops_the_file_and_not_the_run(tmp_path: Path) -> None:
    (tmp_path / "health.jsonl").mkdir()
    health = watched(tmp_path, lambda x: -x)
    assert "inverted" in health.in_a_line


@pytest.mark.parametrize(
    ("log_every", "looks"), [(1, [10, 20, 30]), (4, [12, 20, 32]), (15, [15, 30])]
)
def test_looks_are_about_ten_steps_apart_wherever_a_session_begins(
    tmp_path: Path, log_every: int, looks: list[int]
) -> None:
    job = tiny_job(train={"log_every": log_every})
    health = Health(job, run_dir=tmp_path, start_step=0, images={}, say=print)
    logged = range(log_every, 33, log_every)
    assert [step for step in logged if health.observation(step)] == looks
    health.close()


def test_a_resumed_run_comes_to_the_same_numbers_and_verdicts(tmp_path: Path) -> None:
    def changing(x: Tensor) -> Tensor:
        return -x if x[0, 0, 0, 0] < 0.3 else darker(x)

    (tmp_path / "whole").mkdir()
    (tmp_path / "parts").mkdir()
    whole = watched(tmp_path / "whole", changing, steps=700)
    before = watched(tmp_path / "parts", changing, steps=460)
    after = watched(tmp_path / "parts", changing, steps=240, start=460, state=before.state())
    assert whole.state().keys() == after.state().keys()
    assert all(torch.equal(whole.state()[key], after.state()[key]) for key in whole.state())
    texts = [(tmp_path / run / "health.jsonl").read_text() for run in ("whole", "parts")]
    assert texts[0] == texts[1] and whole.in_a_line == after.in_a_line


def test_a_term_that_is_no_number_is_written_down(tmp_path: Path) -> None:
    health = Health(tiny_job(), run_dir=tmp_path, start_step=0, images={}, say=print)
    health.not_finite(7, "the term x became nan at step 7")
    health.close()
    [line] = map(json.loads, (tmp_path / "health.jsonl").read_text().splitlines())
    assert line["fault"] == "not_finite" and line["seen"] == "the term x became nan at step 7"
