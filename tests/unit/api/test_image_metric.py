from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gantrans.api.image_metric import ImageMetric
from gantrans.api.metric import Translated


class Brightness(ImageMetric):
    """The mean of a translation."""

    name = "brightness"

    def values(self, images: Translated) -> Tensor:
        return images.fake.mean(dim=(1, 2, 3))


def bright(*values: float) -> Translated:
    fake = torch.tensor(values).reshape(-1, 1, 1, 1).expand(-1, 3, 4, 4)
    return Translated(fake, fake)


def test_it_is_the_mean_over_images_whatever_their_batches() -> None:
    metric = Brightness(Brightness.Config())
    metric.update(bright(0.1))
    metric.update(bright(0.4, 0.7))
    assert metric.compute() == {"brightness": pytest.approx(0.4)}


def test_drawn_images_are_those_of_all_batches_in_their_order() -> None:
    metric = Brightness(Brightness.Config())
    metric.update(bright(0.1))
    metric.update(bright(0.4, 0.7))
    drawn = metric.resampled(torch.tensor([2, 2, 0]), torch.tensor([]))
    assert drawn == {"brightness": pytest.approx(0.5)}
