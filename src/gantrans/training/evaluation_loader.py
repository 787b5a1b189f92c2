"""Reading images for evaluation, in order: from caches, else by loading processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from gantrans.api.step import Domain
from gantrans.errors import DataError
from gantrans.plugin.carried import FilePlugins
from gantrans.training.data import cannot_make
from gantrans.training.evaluation_images import EvaluationImages, in_range
from gantrans.training.workers import leave_signals_to_parent, loading

FEW = 32
"""Images that this process has decoded before loading processes would have started."""


@contextmanager
def reading(
    images: EvaluationImages,
    domains: Sequence[Domain],
    indices: Sequence[int],
    *,
    workers: int,
    plugins: FilePlugins,
) -> Iterator[Iterator[list[Tensor]]]:
    """Iterate over the images `indices` of the domains, those of one index together.

    Each image is float32 (channels, H, W) in [-1, 1], to be read only.

    Args:
        images: of one split.
        domains: one, or both domains of pairs.
        indices: in the order of the iteration.
        workers: processes that decode, where not everything is cached; 0: this process.
        plugins: needed by a process that is not forked.

    Raises:
        DataError: from the iterator, for an image that cannot be used.
    """
    cached = all(domain in images.caches for domain in domains)
    if cached or not workers or len(indices) <= FEW:
        yield ([in_range(x) for x in images.pixels(domains, index)] for index in indices)
        return
    loader = DataLoader(
        _Decoding(plugins, images, tuple(domains)),
        batch_size=None,
        sampler=indices,
        num_workers=workers,
        worker_init_fn=leave_signals_to_parent,
        collate_fn=_as_arrays,
        generator=torch.Generator(),  # the global one belongs to training
    )
    with loading(loader) as found:
        yield (_as_tensors(arrays) for arrays in found)


@dataclass(frozen=True)
class _Decoding(Dataset[list[Any] | DataError]):
    """Pixels as arrays: tensors would pass through shared memory, scarce in containers."""

    plugins: FilePlugins
    images: EvaluationImages
    domains: tuple[Domain, ...]

    def __getitem__(self, index: int) -> list[Any] | DataError:
        """The images, or the error: raised in a worker it would lose its type."""
        try:
            return [x.contiguous().numpy() for x in self.images.pixels(self.domains, index)]
        except DataError as error:
            return error
        except MemoryError:
            raise
        except Exception as error:  # of any dataset's code
            label = self.images.sources[self.domains[0]].label(index)
            return cannot_make(f"the image {label}", error)


def _as_arrays(item: Any) -> Any:
    """The item itself; torch's own function would convert arrays to tensors."""
    return item


def _as_tensors(arrays: list[Any] | DataError) -> list[Tensor]:
    if isinstance(arrays, DataError):
        raise arrays
    return [in_range(torch.from_numpy(array)) for array in arrays]
