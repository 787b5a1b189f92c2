"""Batches for metrics: test images with their translations, and real images of the target."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import torch
from torch import Tensor

from gantrans.api.generator import Generator
from gantrans.api.metric import Translated
from gantrans.api.step import ENDS, Direction, Domain
from gantrans.errors import DataError
from gantrans.inference.padding import run_padded
from gantrans.plugin.carried import FilePlugins
from gantrans.training.cache import ImageCache
from gantrans.training.distributed import Ranks
from gantrans.training.evaluation_images import EvaluationImages
from gantrans.training.evaluation_loader import reading

WAY_BACK: dict[Direction, Direction] = {"ab": "ba", "ba": "ab"}


@dataclass(frozen=True)
class JudgedImages:
    """The images of a split, in order, on the first rank: the ranks take turns with the batches.

    Args:
        images: of the split.
        paired: whether image i of both domains shows the same.
        batch_size: how many are translated at once.
        device: where to compute.
        ranks: who shares the work; all of them have to ask.
        workers: processes that decode images that are not cached.
        plugins: needed by such a process, if it is not forked.
    """

    images: EvaluationImages
    paired: bool
    batch_size: int
    device: torch.device
    ranks: Ranks
    workers: int
    plugins: FilePlugins

    def with_caches(self, caches: Mapping[Domain, ImageCache]) -> JudgedImages:
        """The same, read from caches of some of the domains."""
        return replace(self, images=self.images.with_caches(caches))

    def count(self, domain: Domain) -> int:
        """Images of a domain."""
        return len(self.images.sources[domain])

    def translated(
        self, direction: Direction, generators: Mapping[Direction, Generator], *, cycle: bool
    ) -> Iterator[Translated]:
        """The source's images, translated.

        Args:
            direction: from which domain to which.
            generators: in use, on `device`.
            cycle: whether also to translate back.
        """
        start, end = ENDS[direction]
        domains = (start, end) if self.paired else (start,)

        def made(read: Sequence[list[Tensor]]) -> Iterator[list[Tensor]]:
            for source, *truth in self._stacked(read):
                fake = run_padded(generators[direction], source)
                back = [run_padded(generators[WAY_BACK[direction]], fake)] if cycle else []
                yield [source, fake, *truth, *back]

        for source, fake, *more in self._shared_out(domains, 2 + self.paired + cycle, made):
            truth = more[0] if self.paired else None
            yield Translated(source, fake, truth, more[-1] if cycle else None)

    def real(self, domain: Domain) -> Iterator[Tensor]:
        """A domain's images, in batches (N, C, H, W)."""
        for [images] in self._shared_out((domain,), 1, self._stacked):
            yield images

    def _shared_out(
        self,
        domains: Sequence[Domain],
        width: int,
        make: Callable[[Sequence[list[Tensor]]], Iterator[list[Tensor]]],
    ) -> Iterator[list[Tensor]]:
        """What `make` gives of the images of all batches, `width` tensors each time."""
        ranks, size, count = self.ranks, self.batch_size, self.count(domains[0])
        batches = [range(n, min(n + size, count)) for n in range(0, count, size)]
        mine = [index for batch in batches[ranks.rank :: ranks.count] for index in batch]
        loading = reading(self.images, domains, mine, workers=self.workers, plugins=self.plugins)
        with loading as read:
            for n in range(0, len(batches), ranks.count):
                error, made = None, list[Tensor]()
                try:
                    for batch in batches[n : n + ranks.count][ranks.rank : ranks.rank + 1]:
                        images = list(islice(read, len(batch)))
                        made += [tensor for tensors in make(images) for tensor in tensors]
                except DataError as wrong:
                    error = wrong
                ranks.raise_any(error)
                for tensors in ranks.to_first(made):
                    here = [tensor.to(self.device) for tensor in tensors]
                    for at in range(0, len(here), width):
                        yield here[at : at + width]

    def _stacked(self, images: Sequence[list[Tensor]]) -> Iterator[list[Tensor]]:
        """Batches (N, C, H, W) on the device of an image, or both of a pair: neighbours of one
        shape together."""
        batch: list[list[Tensor]] = []
        for image in images:
            if batch and image[0].shape != batch[0][0].shape:
                yield self._together(batch)
                batch = []
            batch.append(image)
        yield self._together(batch)

    def _together(self, batch: list[list[Tensor]]) -> list[Tensor]:
        return [torch.stack(images).to(self.device) for images in zip(*batch, strict=True)]
