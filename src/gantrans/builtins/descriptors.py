"""Descriptors: small patches of many images, from each level of their Laplacian pyramids."""

from __future__ import annotations

import torch
from torch import Tensor

from gantrans.api.randomness import derived_seed
from gantrans.builtins.laplacian_pyramid import laplacian_pyramid
from gantrans.errors import DataError

PATCH = 7
"""Pixels: the side of a patch."""

COARSEST = 16
"""Pixels: no level but the only one has a shorter side below this."""


class Descriptors:
    """Patches (49 C values) of a set of images, by level, that of the smallest images first.

    Where a patch of image i lies depends on the seed, i and the level, so not on batches. If there
    are many images there are fewer patches of each, so that memory and time are bounded.

    Args:
        patches: of each image and level.
        at_most: of all images together, but one of each.
        seed: of their places.
    """

    def __init__(self, patches: int, at_most: int, seed: int) -> None:
        self.patches, self.at_most, self.seed = patches, at_most, seed
        self.count = 0
        self._levels: list[list[Tensor]] = []

    def add(self, images: Tensor) -> None:
        """Take patches of (N, C, H, W). Raises DataError for images smaller than a patch."""
        height, width = images.shape[2:]
        if min(height, width) < PATCH:
            raise DataError(
                f"an image of {width} x {height} pixels is too small to be compared by patches of "
                f"{PATCH} x {PATCH}: leave the metric out, or resize the test images"
            )
        pyramid = laplacian_pyramid(images.float(), levels_of(height, width))[::-1]
        while len(self._levels) < len(pyramid):
            self._levels.append([])
        for level, pictures in enumerate(pyramid):
            windows = pictures.unfold(2, PATCH, 1).unfold(3, PATCH, 1)
            for index, window in enumerate(windows, start=self.count):
                self._levels[level].append(self._drawn(window, index, level))
        self.count += len(images)
        self._thin_out()

    def levels(self) -> list[Tensor]:
        """(patches, C, 49) of each level that all images have; those of an image follow another."""
        whole = [kept for kept in self._levels if len(kept) == self.count]
        return [torch.cat(kept) for kept in whole]

    def _drawn(self, windows: Tensor, index: int, level: int) -> Tensor:
        """Patches (patches, C, 49) of the windows (C, rows, columns, 7, 7) of an image."""
        stream = torch.Generator().manual_seed(derived_seed(self.seed, "patches", index, level))
        places = torch.rand(self.patches, 2, generator=stream)[: self._each()]
        rows, columns = (
            (places[:, axis] * windows.shape[1 + axis]).long().to(windows.device) for axis in (0, 1)
        )
        return windows[:, rows, columns].flatten(2).transpose(0, 1)

    def _each(self) -> int:
        """Patches of each image and level, by the images that there are."""
        each = self.patches
        while each > 1 and each * self.count > self.at_most:
            each //= 2
        return each

    def _thin_out(self) -> None:
        each = self._each()
        if any(len(kept[0]) > each for kept in self._levels if kept):
            # A copy: a part of a tensor would keep all of it.
            self._levels = [[patches[:each].clone() for patches in kept] for kept in self._levels]


def levels_of(height: int, width: int) -> int:
    """One, and one more for each time that an image can be halved and still have 16 pixels."""
    side, levels = min(height, width), 1
    while (side := -(-side // 2)) >= COARSEST:
        levels += 1
    return levels
