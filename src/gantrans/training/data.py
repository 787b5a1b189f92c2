"""What training sees: which images, in which order, how cropped; and the loader that brings them.

Everything about sample i of epoch e is a function of (seed, e, i): its partner, its crop, its flip.
So it does not matter how many workers load, or where a resumed run begins.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from signal import SIG_IGN, SIGINT, SIGTERM, signal
from typing import TypeAlias

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from gantrans.api.dataset import Dataset as DatasetComponent
from gantrans.api.dataset import ImageSource
from gantrans.api.randomness import stream
from gantrans.api.step import Domain
from gantrans.api.transform import Transform
from gantrans.errors import DataError
from gantrans.plugin.carried import FilePlugins
from gantrans.training.transform import prepare

Labels: TypeAlias = Mapping[Domain, list[str]]


@dataclass(frozen=True)
class LoadedBatch:
    """Images (N, C, H, W) in [-1, 1] of each domain, and what to call them."""

    real: dict[Domain, Tensor]
    labels: Labels

    def pin_memory(self) -> LoadedBatch:
        """In page-locked memory, from where a GPU copies while the host goes on; torch calls it."""
        real = {domain: images.pin_memory() for domain, images in self.real.items()}
        return LoadedBatch(real, self.labels)


@dataclass(frozen=True)
class TrainingSamples(Dataset[tuple[dict[Domain, Tensor], dict[Domain, str]] | DataError]):
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
    """

    plugins: FilePlugins
    sources: Mapping[Domain, ImageSource]
    transform: Transform
    channels: Mapping[Domain, int]
    seed: int
    epoch_size: int
    paired: bool = False

    def __getitem__(
        self, number: int
    ) -> tuple[dict[Domain, Tensor], dict[Domain, str]] | DataError:
        """The tensors and labels, or the error: raised in a worker it would lose its shape."""
        epoch, i = divmod(number, self.epoch_size)
        try:
            places = {domain: self._index(domain, epoch, i) for domain in self.sources}
            found = {d: source.image(places[d]) for d, source in self.sources.items()}
            labels = {d: source.label(places[d]) for d, source in self.sources.items()}
            if self.paired:
                refuse_unequal_pair(found, labels)
            images = {
                domain: prepare(
                    found[domain],
                    self.transform.of(domain),
                    channels=self.channels[domain],
                    label=labels[domain],
                    draw=stream(self.seed, "sample", epoch, i, self._who(domain)),
                )
                for domain in self.sources
            }
            return images, labels
        except DataError as error:
            return error
        except MemoryError:
            raise
        except Exception as error:  # of anyone's data set
            at = traceback.extract_tb(error.__traceback__)[-1]
            said = f"{type(error).__name__}: {error} ({at.filename}:{at.lineno})"
            return DataError(f"sample {i} of epoch {epoch} cannot be made: {said}")

    def _who(self, domain: Domain) -> str:
        """Whose draws a domain takes: those of its own, or those of the pair."""
        return "pair" if self.paired else domain

    def _index(self, domain: Domain, epoch: int, i: int) -> int:
        count = len(self.sources[domain])
        round_, place = divmod(i, count)
        return _order(self.seed, epoch, round_, self._who(domain), count)[place]


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
) -> Iterator[LoadedBatch]:
    """Batches number `first` to `last` - 1 of the run, in order.

    Raises:
        DataError: for an unreadable image, or images that do not have one size.
    """
    loader = DataLoader(
        samples,
        batch_sampler=_Batches(batch_size, first, last),
        num_workers=workers,
        collate_fn=_together,
        worker_init_fn=_leave_signals_to_parent if workers else None,
        pin_memory=pin_memory,
    )
    shape: dict[Domain, torch.Size] = {}
    try:
        for batch in loader:
            if isinstance(batch, DataError):
                raise batch
            for domain, images in batch.real.items():
                if images.shape[1:] != shape.setdefault(domain, images.shape[1:]):
                    raise _unequal(batch.labels[domain][0], images.shape, shape[domain])
            yield batch
    except (ConnectionError, EOFError):
        time.sleep(1)  # a worker was killed: here, not later, the signal handler shall say so
        raise


class _Batches(Sampler[list[int]]):
    """The sample numbers of batches `first` to `last` - 1."""

    def __init__(self, batch_size: int, first: int, last: int) -> None:
        self.batch_size, self.first, self.last = batch_size, first, last

    def __iter__(self) -> Iterator[list[int]]:
        for n in range(self.first, self.last):
            yield list(range(n * self.batch_size, (n + 1) * self.batch_size))


def refuse_unequal_pair(
    images: Mapping[Domain, Image.Image | Tensor], labels: Mapping[Domain, str]
) -> None:
    """A crop at one place shows the same of both images of a pair only if both have one size."""
    sizes = {
        domain: tuple(x.shape[:0:-1]) if isinstance(x, Tensor) else x.size
        for domain, x in images.items()
    }
    if sizes["a"] != sizes["b"]:
        (width, height), (other_width, other_height) = sizes["a"], sizes["b"]
        raise DataError(
            f"{labels['a']} is {width} x {height} pixels and {labels['b']} {other_width} x "
            f"{other_height}: the two images of a pair must have one size"
        )


def evaluation_image(
    dataset: DatasetComponent, source: ImageSource, domain: Domain, index: int
) -> Tensor:
    """One image of a source as the networks get it outside training: not flipped, centre crop."""
    return _for_evaluation(dataset, domain, source.image(index), source.label(index))


def evaluation_pair(
    dataset: DatasetComponent, sources: Mapping[Domain, ImageSource], index: int
) -> dict[Domain, Tensor]:
    """Both images of a pair, each as `evaluation_image` gives it. Raises DataError if they differ
    in size, for then their centres do not show the same."""
    images = {domain: source.image(index) for domain, source in sources.items()}
    labels = {domain: source.label(index) for domain, source in sources.items()}
    refuse_unequal_pair(images, labels)
    return {d: _for_evaluation(dataset, d, image, labels[d]) for d, image in images.items()}


def _for_evaluation(
    dataset: DatasetComponent, domain: Domain, image: Image.Image | Tensor, label: str
) -> Tensor:
    transform, channels = dataset.config.transform.of(domain), dataset.channels(domain)
    return prepare(image, transform, channels=channels, label=label)


def _together(
    samples: list[tuple[dict[Domain, Tensor], dict[Domain, str]] | DataError],
) -> LoadedBatch | DataError:
    good = []
    for sample in samples:
        if isinstance(sample, DataError):
            return sample
        good.append(sample)
    domains = list(good[0][0])
    for domain in domains:
        for images, labels in good:
            if images[domain].shape != good[0][0][domain].shape:
                return _unequal(labels[domain], images[domain].shape, good[0][0][domain].shape)
    return LoadedBatch(
        {domain: torch.stack([images[domain] for images, _ in good]) for domain in domains},
        {domain: [labels[domain] for _, labels in good] for domain in domains},
    )


def _unequal(label: str, shape: torch.Size, other: torch.Size) -> DataError:
    return DataError(
        f"{label} is {shape[-1]} x {shape[-2]} pixels after the transform, others are "
        f"{other[-1]} x {other[-2]}: set data.transform.crop (and resize) so that all are alike"
    )


def lost_worker(error: Exception) -> bool:
    """Whether `error` means that a loading process was killed, as by a system short of memory."""
    if isinstance(error, RuntimeError):  # torch's signal handler raises it, wherever one is
        return str(error).startswith("DataLoader worker")
    # Nobody is there to hand over a tensor. What fails inside a worker begins with "Caught".
    return isinstance(error, ConnectionError | EOFError) and not str(error).startswith("Caught")


def _leave_signals_to_parent(worker: int) -> None:
    # Ctrl-C, and the SIGTERM of a batch system, reach the whole process group; the parent saves and
    # then ends its workers. Had one ended before, the parent would fail in the middle of a step.
    signal(SIGINT, SIG_IGN)
    signal(SIGTERM, SIG_IGN)
