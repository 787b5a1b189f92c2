"""Whether a picture is run whole or in pieces."""

from __future__ import annotations

import threading
from collections.abc import Callable

import torch
from torch import Tensor

from gantrans.api.generator import Generator
from gantrans.errors import UsageError
from gantrans.inference.large.budget import budget
from gantrans.inference.large.translate import memory_per_pixel, run_in_pieces
from gantrans.inference.padding import padded_size

ONE_AT_A_TIME = threading.RLock()
"""torch.export works in one thread at a time; and two pictures would share what is left."""

SURELY_SMALL = 2**20
"""Pixels of a picture up to which nobody counts what it takes, unless a limit was given."""


class LargeImages:
    """Runs generators on pictures that the memory may not take at once.

    Args:
        device: where the generators are.
        max_memory: bytes that this process may hold there; None: what is free.
    """

    def __init__(self, device: torch.device, max_memory: int | None) -> None:
        self.device, self.max_memory = device, max_memory
        self._per_pixel: dict[Generator, float] = {}

    def fits(self, generator: Generator, height: int, width: int, count: int = 1) -> bool:
        """Whether the memory takes so many pictures of that size at once, as far as one can tell.

        Raises:
            UsageError: if there is a limit, and the generator is not to be counted.
        """
        if self.max_memory is None and count * height * width <= SURELY_SMALL:
            return True
        if generator not in self._per_pixel:
            with ONE_AT_A_TIME:
                self._per_pixel[generator] = self._counted(generator)
        down, across = padded_size(generator, height, width)
        in_and_out = 4 * (generator.in_channels + generator.out_channels)
        needed = count * down * across * (self._per_pixel[generator] + in_and_out)
        return budget(self.device, self.max_memory).covers(needed)

    @torch.inference_mode()
    def in_pieces(
        self, generator: Generator, image: Tensor, look: Callable[[float], None]
    ) -> Tensor:
        """`run_in_pieces` with the memory that there is."""
        result = 4 * generator.out_channels * image.shape[1] * image.shape[2]
        with ONE_AT_A_TIME:
            tiles, host = budget(self.device, self.max_memory).shares(self.device.type, result)
            return run_in_pieces(generator, image, self.device, tiles, host, look)

    def _counted(self, generator: Generator) -> float:
        """Bytes for each pixel; 0 for what cannot be cut: of that, one can but try."""
        try:
            return memory_per_pixel(generator)
        except UsageError:
            if self.max_memory is not None:
                raise
            return 0.0
