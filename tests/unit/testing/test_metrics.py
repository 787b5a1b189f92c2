from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
import torch

from faulty import fault, faulty, unproven
from gantrans.api.metric import Metric, Translated
from gantrans.errors import DataError
from gantrans.testing.metrics import CHECKS


class Sound(Metric):
    """The mean absolute error, over all images."""

    name = "sound"
    needs_truth = True
    higher_is_better = False

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.total, self.count = 0.0, 0

    def update(self, images: Translated) -> None:
        assert images.truth is not None
        self.total += float((images.fake - images.truth).abs().mean(dim=(1, 2, 3)).sum())
        self.count += len(images.fake)

    def compute(self) -> dict[str, float]:
        return {type(self).name: self.total / self.count}


def by_batch(self: Any, images: Translated) -> None:
    self.total += float((images.fake - images.truth).abs().mean())
    self.count += 1


def together(self: Any, images: Translated) -> None:
    before = getattr(self, "seen", images.fake[:0])
    self.seen = torch.cat([before, images.fake])
    Sound.update(self, images)


def colours(self: Any, images: Translated) -> None:
    self.total += float(images.fake[:, 2].mean() - images.truth[:, 2].mean())
    self.count += 1


def writing(self: Any, images: Translated) -> None:
    images.fake.clamp_(-0.1, 0.1)
    Sound.update(self, images)


def starting_over(self: Any) -> dict[str, float]:
    found = Sound.compute(self)
    self.total = 0.0
    return found


def drawing(self: Any) -> dict[str, float]:
    return {"faulty": Sound.compute(self)["faulty"] + random.random()}


class Comparing(Sound):
    """How far the mean over all images is from that of the real ones; and its interval."""

    name = "comparing"
    needs_truth = False
    needs_real = True

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.fakes: list[torch.Tensor] = []
        self.reals: list[torch.Tensor] = []

    def update(self, images: Translated) -> None:
        self.fakes.append(images.fake.mean(dim=(1, 2, 3)))

    def update_real(self, images: torch.Tensor) -> None:
        self.reals.append(images.mean(dim=(1, 2, 3)))

    def compute(self) -> dict[str, float]:
        return {type(self).name: float(self.distance(slice(None), slice(None)))}

    def resampled(self, fakes: torch.Tensor, reals: torch.Tensor) -> dict[str, float]:
        return {type(self).name: float(self.distance(fakes, reals))}

    def distance(self, fakes: Any, reals: Any) -> torch.Tensor:
        return (torch.cat(self.fakes)[fakes].mean() - torch.cat(self.reals)[reals].mean()).abs()


class Returning(Sound):
    """The mean absolute error of the way back."""

    name = "returning"
    needs_truth = False
    needs_cycle = True

    def update(self, images: Translated) -> None:
        assert images.cycle is not None
        super().update(Translated(images.source, images.cycle, images.source))


def per_batch_of_reals(self: Any, images: torch.Tensor) -> None:
    self.reals.append(images.mean()[None])


def straying(self: Any, fakes: torch.Tensor, reals: torch.Tensor) -> dict[str, float]:
    self.calls = getattr(self, "calls", 0) + 1e-9
    return {"faulty": Comparing.resampled(self, fakes, reals)["faulty"] + self.calls}


FAULTS = [
    fault("gives_numbers_by_name", faulty(Sound, compute=lambda s: {"error": 1.0}), "'faulty'"),
    fault(
        "gives_numbers_by_name",
        faulty(Sound, compute=lambda s: {"faulty": torch.tensor(1.0)}),
        "such as float(x)",
    ),
    fault("batches_do_not_matter", faulty(Sound, update=by_batch), "sum over images in update()"),
    fault(
        "takes_images_of_several_sizes", faulty(Sound, update=together), "make it work, or refuse"
    ),
    fault("takes_other_channels", faulty(Sound, update=colours), "make it work, or refuse"),
    fault("the_truth_is_best", faulty(Sound, higher_is_better=True), "higher_is_better"),
    fault("the_truth_is_best", faulty(Comparing, higher_is_better=True), "the real images"),
    fault("batches_do_not_matter", faulty(Comparing, update_real=per_batch_of_reals), "at once"),
    fault(
        "the_perfect_way_back_is_best", faulty(Returning, higher_is_better=True), "that comes back"
    ),
    fault("leaves_its_input_alone", faulty(Sound, update=writing), "images.fake"),
    fault("measures_the_same_again", faulty(Sound, compute=starting_over), "change nothing"),
    fault("measures_the_same_again", faulty(Sound, compute=drawing), "draw no random numbers"),
    fault(
        "resamples_its_own_numbers",
        faulty(Comparing, resampled=lambda s, f, r: {"faulty": 1.0}),
        "give the same numbers",
    ),
    fault("resamples_its_own_numbers", faulty(Comparing, resampled=straying), "each time"),
]


@pytest.mark.parametrize(("check", "component", "words"), FAULTS)
def test_a_fault_is_found_by_its_check_which_says_what_to_change(
    check: str, component: Any, words: str, outcome: Callable[..., Any]
) -> None:
    found = outcome(component, check)

    assert found.status == "failed"
    assert words in found.message


def test_every_check_has_a_fault_that_it_finds() -> None:
    assert unproven(FAULTS, CHECKS) == set()


@pytest.mark.parametrize("component", [Sound, Comparing, Returning])
def test_a_sound_one_passes(component: Any, is_sound: Callable[[Any], None]) -> None:
    is_sound(component)


def test_gray_images_may_be_refused_with_a_clear_message(outcome: Callable[..., Any]) -> None:
    def coloured(self: Any, images: Translated) -> None:
        if images.fake.shape[1] != 3:
            raise DataError("it compares colours")
        Sound.update(self, images)

    found = outcome(faulty(Sound, update=coloured), "takes_other_channels")

    assert (found.status, "it compares colours" in found.message) == ("skipped", True)
