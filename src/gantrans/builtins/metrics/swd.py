"""Sliced Wasserstein distance between patches of translations and of real images."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from torch import Tensor

from gantrans.api.metric import Metric, MetricConfig, Translated
from gantrans.builtins.descriptors import Descriptors
from gantrans.builtins.sliced_wasserstein import directions, potentials, sliced_wasserstein

LEAST_DEVIATION = 1e-3
"""An eighth of a level of 8 bits: what varies less is not enlarged any further."""


class SWD(Metric):
    """Sliced Wasserstein distance to real images, times 1000: 0 for images with equal patches.

    As Karras et al. 2018 (Progressive Growing of GANs, section 5): 7 x 7 patches of each level of
    the Laplacian pyramid, from full size down to 16 pixels, are projected onto random directions;
    the number is the mean over levels. It needs neither truth nor weights. Levels are counted from
    the smallest, so that images of several sizes can be compared; a level that not all images have
    is left out. Its interval keeps the functions that tell both sets apart.
    """

    name = "swd"
    needs_real = True
    higher_is_better = False
    least = 0.0

    class Config(MetricConfig):
        """Settings."""

        patches: int = Field(128, ge=1, description="patches of each image and level")
        at_most: int = Field(
            16384,
            ge=1,
            description="patches of each level of all images together: from many images fewer of "
            "each are taken; 0.5 GB of memory and some seconds for 16384 of 256 px",
        )
        directions: int = Field(512, ge=1, description="random directions of the projections")
        scale: Literal["real", "each"] = Field(
            "real",
            description="what patches are measured by: real: the mean and deviation of each "
            "channel of the real ones, so that colour and contrast count; each: those of their own "
            "set, as the paper's code does",
        )
        by_level: bool = Field(
            False, description="also give the distance of each level; level_1 is the smallest"
        )
        seed: int = Field(0, ge=0, description="names the draws of patches and directions")

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._fakes, self._reals = (
            Descriptors(config.patches, config.at_most, config.seed) for _ in range(2)
        )
        self._pulls: list[tuple[Tensor, Tensor]] | None = None

    def update(self, images: Translated) -> None:
        """Take patches of a batch of translations."""
        self._fakes.add(images.fake)

    def update_real(self, images: Tensor) -> None:
        """Take patches of a batch of real images."""
        self._reals.add(images)

    def compute(self) -> dict[str, float]:
        """{"swd": distance}, and "level_1", ... if asked for."""
        return self._numbers(
            [
                1000 * sliced_wasserstein(fakes, reals, self._directions(reals))
                for fakes, reals in self._points()
            ]
        )

    def resampled(self, fakes: Tensor, reals: Tensor) -> dict[str, float]:
        """The same, as the functions that tell the sets apart tell it of other images."""
        if self._pulls is None:
            self._pulls = [self._by_image(*points) for points in self._points()]
        return self._numbers(
            [
                float(of_fakes[fakes].mean() - of_reals[reals].mean())
                for of_fakes, of_reals in self._pulls
            ]
        )

    def protocol(self) -> dict[str, Any]:
        """How many levels and patches were compared."""
        points = self._points()
        return {
            "levels": len(points),
            "patches_of_translations": len(points[0][0]),
            "patches_of_real_images": len(points[0][1]),
        }

    def _points(self) -> list[tuple[Tensor, Tensor]]:
        """Of each level the patches of both sets, (n, D) and (m, D), to one scale."""
        # The finest level of one side may be missing on the other.
        pairs = zip(self._fakes.levels(), self._reals.levels(), strict=False)
        return [self._scaled(fakes, reals) for fakes, reals in pairs]

    def _scaled(self, fakes: Tensor, reals: Tensor) -> tuple[Tensor, Tensor]:
        own = fakes if self.config.scale == "each" else reals
        return _to_scale_of(own, fakes), _to_scale_of(reals, reals)

    def _directions(self, points: Tensor) -> Tensor:
        return directions(points.shape[1], self.config.directions, self.config.seed)

    def _numbers(self, levels: list[float]) -> dict[str, float]:
        numbers = {self.name: sum(levels) / len(levels)}
        if self.config.by_level:
            numbers |= {f"level_{n}": distance for n, distance in enumerate(levels, start=1)}
        return numbers

    def _by_image(self, fakes: Tensor, reals: Tensor) -> tuple[Tensor, Tensor]:
        """How much each image pulls at a level's number: (N,) of the fakes, (M,) of the reals."""
        of_fakes, of_reals = potentials(fakes, reals, self._directions(reals))
        return (
            1000 * of_fakes.reshape(self._fakes.count, -1).mean(dim=1),
            1000 * of_reals.reshape(self._reals.count, -1).mean(dim=1),
        )


def _to_scale_of(measure: Tensor, patches: Tensor) -> Tensor:
    """Patches (n, C, 49) -> (n, 49 C), each channel by the mean and deviation of `measure`."""
    mean = measure.mean(dim=(0, 2), keepdim=True)
    deviation = measure.std(dim=(0, 2), keepdim=True, correction=0)
    return ((patches - mean) / deviation.clamp(min=LEAST_DEVIATION)).flatten(1)
