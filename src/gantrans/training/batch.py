"""A batch on its way from the host to a device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import torch
from torch import Tensor

from gantrans.api.image import normalised
from gantrans.api.step import Domain
from gantrans.errors import DataError
from gantrans.training.variation import Variation, Variations

Labels: TypeAlias = Mapping[Domain, list[str]]


@dataclass(frozen=True)
class Sample:
    """What was cut out of one image of each domain, what to call it, and how it is varied."""

    cuts: dict[Domain, Tensor]
    labels: dict[Domain, str]
    variations: dict[Domain, Variation]


@dataclass(frozen=True)
class LoadedBatch:
    """A batch on the host, as it was cut; `on` makes of it what networks get.

    Args:
        real: images (N, C, H, W) of each domain: uint8, or floats in [-1, 1].
        labels: what to call them.
        variations: how they are mirrored, turned and coloured; without, they stay as they are.
    """

    real: dict[Domain, Tensor]
    labels: Labels
    variations: Mapping[Domain, Variations] = field(default_factory=dict)

    def on(self, device: torch.device) -> dict[Domain, Tensor]:
        """The images in [-1, 1] on a device: varied and normalised there, all of them at once."""
        found = {}
        for domain, images in self.real.items():
            x = images.to(device, non_blocking=device.type == "cuda")
            variations = self.variations.get(domain)
            if variations is not None:
                x = variations.place(x)  # while a pixel is a byte
            if x.dtype == torch.uint8:
                x = normalised(x)
            found[domain] = x if variations is None else variations.colour(x)
        return found

    def pin_memory(self) -> LoadedBatch:
        """In page-locked memory, from where a GPU copies while the host goes on; torch calls it."""
        return LoadedBatch(
            {domain: images.pin_memory() for domain, images in self.real.items()},
            self.labels,
            {domain: drawn.pin_memory() for domain, drawn in self.variations.items()},
        )


def together(samples: Sequence[Sample | DataError]) -> LoadedBatch | DataError:
    """The batch of some samples; or the first error among them, or that they have no one size."""
    good = list[Sample]()
    for sample in samples:
        if isinstance(sample, DataError):
            return sample
        good.append(sample)
    real, first = {}, good[0]
    for domain, one in first.cuts.items():
        for sample in good:
            cut = sample.cuts[domain]
            if cut.shape != one.shape:
                return unequal_sizes(sample.labels[domain], cut.shape, one.shape)
            if cut.dtype != one.dtype:
                return DataError(
                    f"{sample.labels[domain]} is {_said(cut)} and {first.labels[domain]} "
                    f"{_said(one)}: a data set has to give one of the two for a domain"
                )
        # A channel after the other, whatever the layout of the cuts: results depend on it. And by
        # numpy, in this thread alone: torch would wake one for each core, which the step has.
        real[domain] = torch.empty((len(good), *one.shape), dtype=one.dtype)
        rows = real[domain].numpy()
        for n, sample in enumerate(good):
            rows[n] = sample.cuts[domain].numpy()
    return LoadedBatch(
        real,
        {domain: [sample.labels[domain] for sample in good] for domain in real},
        {domain: Variations.of([sample.variations[domain] for sample in good]) for domain in real},
    )


def _said(cut: Tensor) -> str:
    return "a picture" if cut.dtype == torch.uint8 else "a tensor"


def unequal_sizes(label: str, shape: torch.Size, other: torch.Size) -> DataError:
    """That an image (..., H, W) is not as large as the others."""
    return DataError(
        f"{label} is {shape[-1]} x {shape[-2]} pixels after the transform, others are "
        f"{other[-1]} x {other[-2]}: set data.transform.crop (and resize) so that all are alike"
    )
