"""What metrics are shown: test images with their translations, and real images of the target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gantrans.api.dataset import Dataset, ImageSource
from gantrans.api.generator import Generator
from gantrans.api.metric import Translated
from gantrans.api.step import ENDS, Direction, Domain
from gantrans.errors import DataError
from gantrans.inference.padding import run_padded
from gantrans.training.distributed import Ranks
from gantrans.training.evaluation_images import evaluation_image, evaluation_pair

WAY_BACK: dict[Direction, Direction] = {"ab": "ba", "ba": "ab"}


@dataclass(frozen=True)
class JudgedImages:
    """The images of a split, in order, on the first rank: the ranks take turns with the batches.

    Args:
        dataset: what they are of.
        sources: its images by domain.
        paired: whether image i of both shows the same.
        batch_size: how many are translated at once.
        device: where to compute.
        ranks: who shares the work; all of them have to ask.
    """

    dataset: Dataset
    sources: Mapping[Domain, ImageSource]
    paired: bool
    batch_size: int
    device: torch.device
    ranks: Ranks

    def translated(
        self, direction: Direction, generators: Mapping[Direction, Generator], *, cycle: bool
    ) -> Iterator[Translated]:
        """The source's images, translated; as they are if there is no generator of the direction.

        Args:
            direction: from which domain to which.
            generators: in use, on `device`.
            cycle: whether also to translate back.
        """
        start, end = ENDS[direction]

        def made(indices: range) -> Iterator[list[Tensor]]:
            for source, truth in self._stacked(self._with_truth(start, end, i) for i in indices):
                fake = source
                if direction in generators:
                    fake = run_padded(generators[direction], source)
                back = [run_padded(generators[WAY_BACK[direction]], fake)] if cycle else []
                yield [source, fake, *([] if truth is None else [truth]), *back]

        for source, fake, *more in self._shared_out(
            len(self.sources[start]), 2 + self.paired + cycle, made
        ):
            truth = more[0] if self.paired else None
            yield Translated(source, fake, truth, more[-1] if cycle else None)

    def real(self, domain: Domain) -> Iterator[Tensor]:
        """A domain's images, in batches (N, C, H, W)."""

        def made(indices: range) -> Iterator[list[Tensor]]:
            one_by_one = (
                (evaluation_image(self.dataset, self.sources[domain], domain, i), None)
                for i in indices
            )
            for images, _ in self._stacked(one_by_one):
                yield [images]

        for [images] in self._shared_out(len(self.sources[domain]), 1, made):
            yield images

    def _shared_out(
        self, count: int, width: int, make: Callable[[range], Iterator[list[Tensor]]]
    ) -> Iterator[list[Tensor]]:
        """What `make` gives of the batches of `count` images, `width` tensors each time."""
        ranks, size = self.ranks, self.batch_size
        batches = [range(n, min(n + size, count)) for n in range(0, count, size)]
        for n in range(0, len(batches), ranks.count):
            error, made = None, list[Tensor]()
            try:
                for mine in batches[n : n + ranks.count][ranks.rank : ranks.rank + 1]:
                    made += [tensor for tensors in make(mine) for tensor in tensors]
            except DataError as wrong:
                error = wrong
            ranks.raise_any(error)
            for tensors in ranks.to_first(made):
                images = [tensor.to(self.device) for tensor in tensors]
                for at in range(0, len(images), width):
                    yield images[at : at + width]

    def _with_truth(self, start: Domain, end: Domain, index: int) -> tuple[Tensor, Tensor | None]:
        """A test image, and its truth if there is one."""
        if not self.paired:
            return evaluation_image(self.dataset, self.sources[start], start, index), None
        pair = evaluation_pair(self.dataset, self.sources, index)
        return pair[start], pair[end]

    def _stacked(
        self, images: Iterator[tuple[Tensor, Tensor | None]]
    ) -> Iterator[tuple[Tensor, Tensor | None]]:
        """Batches (N, C, H, W) on the device: neighbours of one shape together."""
        batch: list[tuple[Tensor, Tensor | None]] = []
        for image, truth in images:
            if batch and image.shape != batch[0][0].shape:
                yield self._together(batch)
                batch = []
            batch.append((image, truth))
        yield self._together(batch)

    def _together(self, batch: list[tuple[Tensor, Tensor | None]]) -> tuple[Tensor, Tensor | None]:
        truths = [truth for _, truth in batch if truth is not None]
        return (
            torch.stack([image for image, _ in batch]).to(self.device),
            torch.stack(truths).to(self.device) if truths else None,
        )
