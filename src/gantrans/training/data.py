"""What training sees: which images, in which order, how cropped; and the loader that brings them.

Everything about sample i of epoch e is a function of (seed, e, i): its partner, its crop, its flip.
So it does not matter how many workers load, or where a resumed run begins.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from gantrans.api.dataset import ImageSource
from gantrans.api.randomness import stream
from gantrans.api.step import Domain
from gantrans.api.transform import Transform
from gantrans.errors import DataError
from gantrans.plugin.carried import FilePlugins
from gantrans.training.batch import LoadedBatch, Sample, together, unequal_sizes
from gantrans.training.cache import ImageCache
from gantrans.training.evaluation_images import refuse_unequal_pair
from gantrans.training.prefetch import ahead
from gantrans.training.transform import Settled, cut, settle
from gantrans.training.variation import draw_variation
from gantrans.training.workers import leave_signals_to_parent, loading


@dataclass(frozen=True)
class TrainingSamples(Dataset[Sample | DataError]):
    """Sample n of a run: one image of each domain that is read.

    An epoch visits every image of the larger domain once (or as often as `data.repeat` says), in an
    order of its own; the smaller domain starts over, in a new order, as often as needed.

    Args:
        plugins: what a loading process must know first, and therefore comes first.
        sources: the training images.
        transform: the spec's settings.
        channels: of each domain.
        seed: the run's.
        epoch_size: samples in an epoch.
        paired: whether image i of both domains belong together, and stay together.
        caches: of domains, the images converted and resized.
    """

    plugins: FilePlugins
    sources: Mapping[Domain, ImageSource]
    transform: Transform
    channels: Mapping[Domain, int]
    seed: int
    epoch_size: int
    paired: bool = False
    caches: Mapping[Domain, ImageCache] = field(default_factory=dict)

    def __getitem__(self, number: int) -> Sample | DataError:
        """The sample, or the error: raised in a worker it would lose its shape."""
        epoch, i = divmod(number, self.epoch_size)
        try:
            places = {domain: self._index(domain, epoch, i) for domain in self.sources}
            labels = {d: source.label(places[d]) for d, source in self.sources.items()}
            found = {d: self._settled(d, places[d], labels[d]) for d in self.sources}
            if self.paired:
                refuse_unequal_pair({d: image.size for d, image in found.items()}, labels)
            sample = Sample({}, labels, {})
            for domain, settled in found.items():
                transform, label = self.transform.of(domain), labels[domain]
                draw = stream(self.seed, "sample", epoch, i, self._who(domain))
                x = cut(
                    settled.image,
                    transform,
                    channels=self.channels[domain],
                    label=label,
                    draw=draw,
                )
                sample.cuts[domain] = x
                square = x.shape[1] == x.shape[2]
                sample.variations[domain] = draw_variation(transform, draw, square=square)
            return sample
        except DataError as error:
            return error
        except MemoryError:
            raise
        except Exception as error:  # of anyone's data set
            return cannot_make(f"sample {i} of epoch {epoch}", error)

    @property
    def ready(self) -> bool:
        """Whether a sample is a slice of what is cached, and nothing is decoded or resampled."""
        return all(d in self.caches and not self.transform.of(d).zoom for d in self.sources)

    def _settled(self, domain: Domain, index: int, label: str) -> Settled:
        if domain in self.caches and (kept := self.caches[domain].get(index)):
            return kept
        image, transform = self.sources[domain].image(index), self.transform.of(domain).fixed()
        return settle(image, transform, channels=self.channels[domain], label=label)

    def _who(self, domain: Domain) -> str:
        """Whose draws a domain takes: those of its own, or those of the pair."""
        return "pair" if self.paired else domain

    def _index(self, domain: Domain, epoch: int, i: int) -> int:
        count = len(self.sources[domain])
        round_, place = divmod(i, count)
        return _order(self.seed, epoch, round_, self._who(domain), count)[place]


def cannot_make(what: str, error: Exception) -> DataError:
    """That the code of a data set fails, and where."""
    at = traceback.extract_tb(error.__traceback__)[-1]
    said = f"{type(error).__name__}: {error} ({at.filename}:{at.lineno})"
    return DataError(f"{what} cannot be made: {said}")


@lru_cache(maxsize=8)
def _order(seed: int, epoch: int, round_: int, who: str, count: int) -> list[int]:
    order = list(range(count))
    stream(seed, "order", epoch, round_, who).shuffle(order)
    return order


def training_batches(
    samples: TrainingSamples,
    *,
    batch_size: int,
    first: int,
    last: int,
    workers: int,
    pin_memory: bool,
    rank: int = 0,
    ranks: int = 1,
) -> Generator[LoadedBatch, None, None]:
    """Batches number `first` to `last` - 1 of the run, in order.

    They are the same however they are loaded: by a thread where all images are cached, so that
    there is nothing but bytes to copy; else by `workers` processes.

    Args:
        samples: where they come from.
        batch_size: images of each domain in a whole batch.
        first: number of the first batch.
        last: number of the batch after the last one.
        workers: processes; 0: this one.
        pin_memory: whether the batches are to be copied to a GPU.
        rank: which of the run's processes this is; it gets its share of each batch.
        ranks: how many there are; they divide `batch_size`.

    Raises:
        DataError: for an unreadable image, or images that do not have one size.
    """
    processes = 0 if samples.ready else workers
    loader = DataLoader(
        samples,
        batch_sampler=_Batches(batch_size, first, last, rank, ranks),
        num_workers=processes,
        collate_fn=together,
        worker_init_fn=leave_signals_to_parent if processes else None,
        pin_memory=pin_memory,
    )
    shape: dict[Domain, torch.Size] = {}
    with ExitStack() as stack:
        batches: Iterator[LoadedBatch | DataError] = stack.enter_context(loading(loader))
        if samples.ready:
            gpu = torch.cuda.current_device() if pin_memory else None
            batches = stack.enter_context(closing(ahead(batches, cuda_device=gpu)))
        try:
            for batch in batches:
                if isinstance(batch, DataError):
                    raise batch
                for domain, images in batch.real.items():
                    if images.shape[1:] != shape.setdefault(domain, images.shape[1:]):
                        raise unequal_sizes(batch.labels[domain][0], images.shape, shape[domain])
                yield batch
        except (ConnectionError, EOFError):
            time.sleep(1)  # a worker was killed: here, not later, the signal handler shall say so
            raise


class _Batches(Sampler[list[int]]):
    """The sample numbers of one rank's share of batches `first` to `last` - 1."""

    def __init__(self, batch_size: int, first: int, last: int, rank: int, ranks: int) -> None:
        assert batch_size % ranks == 0, (batch_size, ranks)
        self.batch_size, self.first, self.last = batch_size, first, last
        self.share, self.rank = batch_size // ranks, rank

    def __iter__(self) -> Iterator[list[int]]:
        for n in range(self.first, self.last):
            own = n * self.batch_size + self.rank * self.share
            yield list(range(own, own + self.share))
