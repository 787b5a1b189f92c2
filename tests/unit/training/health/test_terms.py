from __future__ import annotations

import pytest
import torch

from gantrans.builtins.losses.adversarial import FORMS
from gantrans.training.health.terms import doubt, one_sided
from tiny_run import tiny_job


@pytest.mark.parametrize("objective", ["lsgan", "vanilla", "hinge"])
def test_chance_is_the_least_loss_with_one_score_for_all(objective: str) -> None:
    form = FORMS[objective]  # type: ignore[index]
    scores = torch.linspace(-3, 3, 6001, dtype=torch.float64)
    least = (form.share * (form.real(scores) + form.fake(scores))).min()
    assert form.chance == pytest.approx(float(least))


def test_doubt_is_a_discriminators_loss_as_a_share_of_that_by_guessing() -> None:
    job = tiny_job(domains={"a": "summer", "b": "winter"})
    terms = {
        "generators/adversarial/summer->winter": 0.9,
        "generators/cycle/summer": 0.5,
        "discriminators/adversarial/summer": 0.05,
        "discriminators/adversarial/winter": 0.25,
    }
    assert doubt(job, terms) == {"summer": pytest.approx(0.2), "winter": pytest.approx(1.0)}


def test_doubt_is_not_told_of_an_objective_without_a_chance_level() -> None:
    job = tiny_job(losses={"adversarial": {"objective": "wgan"}})
    assert doubt(job, {"discriminators/adversarial/a": 0.1}) == {}


def test_sides_are_compared_loss_by_loss_but_not_the_discriminators() -> None:
    job = tiny_job(domains={"a": "summer", "b": "winter"})
    terms = {
        "generators/adversarial/summer->winter": 0.8,
        "generators/adversarial/winter->summer": 0.1,
        "generators/cycle/summer": 0.3,
        "discriminators/adversarial/summer": 0.01,
        "discriminators/adversarial/winter": 0.25,
    }
    assert one_sided(job, terms) == {
        "adversarial summer->winter": pytest.approx(8),
        "adversarial winter->summer": pytest.approx(1 / 8),
    }


def test_terms_that_may_be_negative_are_not_compared() -> None:
    job = tiny_job(domains={"a": "summer", "b": "winter"})
    terms = {
        "generators/adversarial/summer->winter": -0.8,
        "generators/adversarial/winter->summer": 0.1,
    }
    assert one_sided(job, terms) == {}
