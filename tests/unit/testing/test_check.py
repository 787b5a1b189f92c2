from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from faulty import faulty
from gantrans.api.component import KINDS
from gantrans.api.loss import Loss
from gantrans.testing.check import CheckFailed, Skipped, WrongSettings, checks
from gantrans.testing.kit import checks_of
from gantrans.testing.target import subjects_of


def outcome_of(function: Callable[[Any], None], subject: Any) -> tuple[str, str]:
    [check] = checks("loss", function)
    found = check.of(subject)
    return found.status, found.message


@pytest.fixture
def subject(subject_of: Callable[..., Any]) -> Any:
    return subject_of(faulty(Loss))


def test_a_check_is_named_and_described_by_its_function() -> None:
    def is_small(subject: Any) -> None:
        """It is small.

        More of it.
        """

    [check] = checks("loss", is_small)

    assert (check.kind, check.name, check.title) == ("loss", "is_small", "It is small.")


def test_what_a_check_raises_is_its_outcome(subject: Any) -> None:
    def passes(subject: Any) -> None: ...

    def fails(subject: Any) -> None:
        raise CheckFailed("make it smaller")

    def skips(subject: Any) -> None:
        raise Skipped("it has no size")

    def breaks(subject: Any) -> None:
        raise ValueError("size")

    assert outcome_of(passes, subject) == ("ok", "")
    assert outcome_of(fails, subject) == ("failed", "make it smaller")
    assert outcome_of(skips, subject) == ("skipped", "it has no size")
    assert outcome_of(breaks, subject) == ("failed", "it raises ValueError: size")


def test_an_exception_names_the_line_of_the_plugin(tmp_path: Path) -> None:
    file = tmp_path / "raising.py"
    file.write_text(
        "import gantrans\n"
        "class Raising(gantrans.Loss):\n"
        "    name = 'raising'\n"
        "    requires = {'fake'}\n"
        "    def generator(self, step):\n"
        "        return self.distance(step.fake['a'])\n"
        "    def distance(self, x):\n"
        "        return x.no_such_thing()\n"
    )
    [subject] = subjects_of(str(file))
    [check] = [c for c in checks_of("loss") if c.name == "terms_are_finite_scalars"]

    found = check.of(subject)

    assert found.status == "failed"
    assert "AttributeError: 'Tensor' object has no attribute 'no_such_thing'" in found.message
    assert f"({file}:8, in distance)" in found.message


def test_a_check_leaves_torchs_random_numbers_alone(subject: Any) -> None:
    def draws(subject: Any) -> None:
        torch.manual_seed(random.randrange(100))

    before = torch.get_rng_state()
    outcome_of(draws, subject)

    assert torch.equal(torch.get_rng_state(), before)


def test_settings_that_the_component_does_not_take_are_wrong_use(
    subject_of: Callable[..., Any],
) -> None:
    subject = subject_of(faulty(Loss), wieght=1.0)
    [check] = [one for one in checks_of("loss") if one.name == "builds"]

    with pytest.raises(WrongSettings, match="did you mean 'weight'"):
        check.of(subject)


@pytest.mark.parametrize("kind", KINDS)
def test_checks_have_names_of_their_own_and_titles(kind: Any) -> None:
    found = checks_of(kind)

    assert len({check.name for check in found}) == len(found)
    assert all(check.title.endswith(".") for check in found)
    assert {check.kind for check in found} == {None, kind}
