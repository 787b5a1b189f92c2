"""What is drawn for a training image beside its crop: mirrored, turned, in other colours.

It is drawn on the host, from the sample's own stream, and done on the device for a whole batch.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gantrans.api.transform import DomainTransform, Jitter
from gantrans.training.colours import vary_colours


@dataclass(frozen=True)
class Variation:
    """Of one image.

    Args:
        flip: whether it is mirrored, left to right.
        turns: by how many right angles it is then turned, counter-clockwise.
        colours: factors of brightness, contrast and saturation, and the turn of the hue in full
            circles; None: they stay as they are.
    """

    flip: bool
    turns: int
    colours: tuple[float, float, float, float] | None


def draw_variation(transform: DomainTransform, draw: random.Random, *, square: bool) -> Variation:
    """A variation within the spec's settings. Oblong images are turned by 0 or 180 degrees."""
    flip = transform.flip and draw.random() < 0.5
    turns = 0
    if transform.rotate:
        turns = draw.randrange(4) if square else 2 * draw.randrange(2)
    return Variation(flip, turns, _colours(transform.jitter, draw) if transform.jitter else None)


def _colours(jitter: Jitter, draw: random.Random) -> tuple[float, float, float, float]:
    def factor(most: float) -> float:
        return draw.uniform(1 - most, 1 + most)

    # All four are drawn whatever they are, so that one setting does not change another's draws.
    brightness, contrast = factor(jitter.brightness), factor(jitter.contrast)
    return brightness, contrast, factor(jitter.saturation), draw.uniform(-jitter.hue, jitter.hue)


@dataclass(frozen=True)
class Variations:
    """Of the N images of a batch, on the host.

    Args:
        flip: (N,) bool.
        turns: (N,) int64, 0 to 3.
        colours: (N, 4) float32, or None.
    """

    flip: Tensor
    turns: Tensor
    colours: Tensor | None

    @classmethod
    def of(cls, drawn: Sequence[Variation]) -> Variations:
        """Those of a domain's images; all of them vary their colours, or none."""
        colours = [one.colours for one in drawn if one.colours is not None]
        return cls(
            torch.tensor([one.flip for one in drawn]),
            torch.tensor([one.turns for one in drawn]),
            torch.tensor(colours) if colours else None,
        )

    def pin_memory(self) -> Variations:
        """In page-locked memory."""
        colours = None if self.colours is None else self.colours.pin_memory()
        return Variations(self.flip.pin_memory(), self.turns.pin_memory(), colours)

    def place(self, images: Tensor) -> Tensor:
        """Mirror and turn (N, C, H, W) of any type; the colours stay as they are."""
        if self.flip.any():
            flip = self.flip.to(images.device, non_blocking=True)[:, None, None, None]
            images = torch.where(flip, images.flip(-1), images)
        given = images
        for k in (1, 2, 3):
            if (self.turns == k).any():  # on the host, where they were drawn
                turns = self.turns.to(images.device, non_blocking=True)
                turned = (turns == k)[:, None, None, None]
                images = torch.where(turned, given.rot90(k, (2, 3)), images)
        return images

    def colour(self, images: Tensor) -> Tensor:
        """Vary the colours of floats (N, 1 or 3, H, W) in [-1, 1]."""
        if self.colours is None:
            return images
        return vary_colours(images, self.colours.to(images.device, non_blocking=True))
