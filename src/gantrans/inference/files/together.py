"""Translating several images at once, and back again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from gantrans.api.image import to_tensor
from gantrans.errors import DataError, GantransError, NonFiniteError, UsageError
from gantrans.inference.files.memory import of_one_image
from gantrans.inference.padding import padded, padded_size
from gantrans.inference.translator import Translator

LARGE = 2**20
"""Pixels from which on an image is translated alone: others beside it would save no time."""


@dataclass(frozen=True)
class Result:
    """What became of an image, (channels, H, W) in [-1, 1] on the device, or why nothing did."""

    output: Tensor | None = None
    cycle: Tensor | None = None
    error: GantransError | None = None


class Together:
    """Translates images in one direction, those of one size in the network at once.

    Args:
        translator: with the generators.
        to: the domain to translate to.
        cycle: whether to translate back again too.
        look: told which share of an image is done that is translated in pieces.

    Raises:
        UsageError: if there is no such domain, or no way back where one is wanted.
    """

    def __init__(
        self,
        translator: Translator,
        to: str | None,
        *,
        cycle: bool = False,
        look: Callable[[float], None] = lambda share: None,
    ) -> None:
        self.translator, self.look = translator, look
        self.to = translator.choose(to)
        back = [target for target in translator.targets if target != self.to]
        if cycle and not back:
            raise UsageError(
                f"there is no way back from {self.to} in this model: leave out --round-trip, or "
                "give a model that translates both ways"
            )
        self.back = back[0] if cycle else None

    def size(self, image: Image.Image | Tensor) -> tuple[int, int] | None:
        """Height and width in the network; images of one can go together, those of None cannot."""
        height, width = _size(image)
        if height * width > LARGE:
            return None
        return padded_size(self.translator.generators[self.to], height, width)

    def __call__(self, images: Sequence[Image.Image | Tensor]) -> list[Result]:
        """One result for each; an image that fails does not harm the others."""
        if len(images) > 1:
            try:
                outputs = self._run(images, self.to)
                cycles = self._run(outputs, self.back) if self.back else [None] * len(images)
            except (NonFiniteError, DataError, RuntimeError, MemoryError) as error:
                of_one_image(error)  # told when its image is translated alone
            else:
                return [Result(*pair) for pair in zip(outputs, cycles, strict=True)]
        return [self._alone(image) for image in images]

    def _alone(self, image: Image.Image | Tensor) -> Result:
        try:
            output = self.translator.translate_image(image, self.to, self.look)
            cycle = None
            if self.back:
                cycle = self.translator.translate_image(output, self.back, self.look)
        except (DataError, NonFiniteError, RuntimeError, MemoryError) as error:
            return Result(error=of_one_image(error))
        return Result(output, cycle)

    def _run(self, images: Sequence[Image.Image | Tensor], to: str) -> list[Tensor]:
        """All at once as far as they have one size in the network."""
        generator = self.translator.generators[to]
        tensors = [to_tensor(image, generator.in_channels) for image in images]
        groups: dict[tuple[int, int], list[int]] = defaultdict(list)
        for number, x in enumerate(tensors):
            groups[padded_size(generator, *x.shape[-2:])].append(number)
        results: dict[int, Tensor] = {}
        for numbers in groups.values():
            batch = torch.stack([padded(generator, tensors[n]) for n in numbers])
            for n, y in zip(numbers, self.translator.translate_tensor(batch, to), strict=True):
                height, width = tensors[n].shape[-2:]
                results[n] = y[:, :height, :width]
        return [results[n] for n in range(len(images))]


def _size(image: Image.Image | Tensor) -> tuple[int, int]:
    if isinstance(image, Tensor):
        return int(image.shape[-2]), int(image.shape[-1])
    return image.height, image.width
