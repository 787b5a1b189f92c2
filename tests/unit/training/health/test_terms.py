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


def test_doubt_is_of_the_discriminators_alone_also_where_nothing_is_translated() -> None:
    job = tiny_job(domains={"a": "summer", "b": "winter"})
    terms = {"generators/adversarial/winter": 0.9, "discriminators/adversarial/winter": 0.2}
    assert doubt(job, terms) == {"winter": pytest.approx(0.8)}


def test_sides_are_compared_loss_by_loss() -> None:
    job = tiny_job(domains={"a": "summer", "b": "winter"})
    terms = {
        "generators/adversarial/summer->winter": 0.8,
        "generators/adversarial/winter->summer": 0.1,
        "generators/cycle/summer": 0.3,
        "generators/cycle/winter": 0.1,
        "discriminators/adversarial/summer": 0.02,
        "discriminators/adversarial/winter": 0.25,
    }
    found = one_sided(job, terms)
    assert found == {"cycle": pytest.approx(3), "discriminators": pytest.approx(12.5)}


@pytest.mark.parametrize("winter", [{}, {"generators/cycle/winter": 0.0}])
def test_a_loss_that_counts_in_one_direction_only_is_as_one_sided_as_can_be(
    winter: dict[str, float],
) -> None:
    job = tiny_job(domains={"a": "summer", "b": "winter"})
    assert one_sided(job, {"generators/cycle/summer": 0.3, **winter}) == {"cycle": 1000}


def test_what_has_no_zero_or_no_other_side_is_not_compared() -> None:
    losses = {"adversarial": {"objective": "wgan"}, "r1": {}, "total_variation": {}}
    job = tiny_job(domains={"a": "summer", "b": "winter"}, losses=losses)
    terms = {
        "generators/adversarial/summer->winter": 9.0,
        "generators/adversarial/winter->summer": 0.5,
        "discriminators/adversarial/summer": 9.0,
        "discriminators/adversarial/winter": 0.5,
        "discriminators/r1/summer": 0.5,
        "discriminators/r1/winter": 0.04,
        "generators/cycle/summer": -0.1,
        "generators/cycle/winter": 0.5,
        "generators/total_variation": 0.5,
    }
    assert one_sided(job, terms) == {}


def test_a_method_of_one_direction_has_no_sides() -> None:
    job = tiny_job(
        method={"type": "cut"}, losses={"cycle": None, "patch_nce": {"layers": ["image"]}}
    )
    terms = {"generator/patch_nce/a->b": 1.0, "generator/patch_nce/b": 0.1}
    assert one_sided(job, terms) == {}
