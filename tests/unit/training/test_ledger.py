from __future__ import annotations

import math

import pytest
import torch

from gantrans.errors import NonFiniteError
from gantrans.training.ledger import Ledger

LABELS = [{"a": ["summer/1.png"], "b": ["winter/7.png"]}]


def add(ledger: Ledger, step: int, **terms: float) -> None:
    ledger.add(step, {curve: torch.tensor(value) for curve, value in terms.items()}, LABELS)


def test_it_gives_the_mean_of_each_curve_since_the_last_look() -> None:
    ledger = Ledger()
    add(ledger, 1, cycle=1.0, adversarial=4.0)
    add(ledger, 2, cycle=2.0)  # a lazy loss is not in every step
    assert ledger.read() == {"cycle": 1.5, "adversarial": 4.0}
    add(ledger, 3, cycle=8.0)
    assert ledger.read() == {"cycle": 8.0}
    assert ledger.read() == {}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_term_that_is_not_finite_is_named_with_its_step_and_images(value: float) -> None:
    ledger = Ledger()
    add(ledger, 6, fine=1.0, **{"generators/cycle/a": 2.0})
    labels = [
        {"a": ["summer/2.png", "summer/3.png"], "b": ["winter/8.png", "winter/9.png"]},
        {"a": ["summer/4.png"], "b": ["winter/5.png"]},
    ]
    terms = {"fine": torch.tensor(1.0), "generators/cycle/a": torch.tensor(value)}
    ledger.add(7, terms, labels)
    for look in (ledger.check, ledger.read):
        with pytest.raises(NonFiniteError) as caught:
            look()
        said = str(caught.value)
        assert "generators/cycle/a" in said
        assert "step 7" in said
        for image in ("summer/2", "summer/3", "summer/4", "winter/8", "winter/9", "winter/5"):
            assert f"{image}.png" in said
        assert "fine" not in said
        assert "summer/1" not in said


def test_the_first_of_several_is_named() -> None:
    ledger = Ledger()
    add(ledger, 4, x=math.nan)
    add(ledger, 5, y=math.nan)
    with pytest.raises(NonFiniteError, match="term x became nan at step 4"):
        ledger.read()


def test_checking_forgets_nothing() -> None:
    ledger = Ledger()
    add(ledger, 1, x=1.0)
    ledger.check()
    assert ledger.read() == {"x": 1.0}


def test_a_step_without_terms_is_no_trouble() -> None:
    ledger = Ledger()
    ledger.add(1, {}, LABELS)
    assert ledger.read() == {}


def test_terms_of_any_precision_are_taken() -> None:
    ledger = Ledger()
    terms = {"x": torch.tensor(0.5, dtype=torch.bfloat16), "y": torch.tensor(0.25).double()}
    ledger.add(1, terms, LABELS)
    assert ledger.read() == {"x": 0.5, "y": 0.25}
