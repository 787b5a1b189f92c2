"""Building a cache: every image is read, converted and resized once."""

from __future__ import annotations

import hashlib
import math
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from torch.utils.data import DataLoader, Dataset

from gantrans.api.dataset import ImageSource
from gantrans.api.image import to_pixels
from gantrans.api.transform import DomainTransform
from gantrans.errors import DataError, GantransError
from gantrans.plugin.carried import FilePlugins
from gantrans.training.cache import ALIGNED, ImageCache, Stored, header_bytes
from gantrans.training.cache_folder import partial_file
from gantrans.training.data import cannot_make
from gantrans.training.transform import settle
from gantrans.training.workers import leave_signals_to_parent, loading

LOOKED_AT = 8
"""Images that an estimate of the size is made from."""

FEW = 32
"""Images that are read before processes to read them would have started."""

SAID_FIRST, SAID_EVERY = 2.0, 10.0
"""Seconds to the first line on how far it is, and between lines."""


@dataclass(frozen=True)
class Read:
    """An image and its file, as they were: `Stored` says what the fields are."""

    pixels: Any
    """An array. A tensor would come through shared memory, of which containers have little."""
    size: tuple[int, int]
    sha256: str
    stat: tuple[int, ...]


@dataclass(frozen=True)
class SettledImages(Dataset[Read | DataError]):
    """The images of one domain, converted and resized.

    Args:
        plugins: what a reading process must know first, and therefore comes first.
        source: the images.
        transform: what is done to them, in every sample the same.
        channels: that they have.
    """

    plugins: FilePlugins
    source: ImageSource
    transform: DomainTransform
    channels: int

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Read | DataError:
        """Image `index`, or the error: raised in a worker it would lose its shape."""
        label = self.source.label(index)
        try:
            # The file may change meanwhile. Looked at in this order, it is found changed later.
            origin = self.source.origin(index)
            stat = file_state(origin) if isinstance(origin, Path) else ()
            sha256 = file_digest(origin) if isinstance(origin, Path) else ""
            image = self.source.image(index)
            settled = settle(image, self.transform, channels=self.channels, label=label)
        except DataError as error:
            return error
        except FileNotFoundError as error:
            return DataError(f"cannot read the image {label}: {error}")
        except MemoryError:
            raise
        except Exception as error:  # of anyone's data set
            return cannot_make(f"the image {label}", error)
        x = settled.image
        pixels = to_pixels(x, self.channels) if isinstance(x, Image.Image) else x
        return Read(pixels.contiguous().numpy(), settled.size, sha256, stat)

    def estimate(self) -> int:
        """Bytes of all pixels, by those of some. Raises DataError for an unreadable one."""
        count = min(LOOKED_AT, len(self))
        taken = 0
        for n in range(count):
            read = self[n * len(self) // count]
            if isinstance(read, DataError):
                raise read
            taken += read.pixels.nbytes
        return math.ceil(taken / count * len(self))


class NoCacheError(GantransError):
    """Why there will be no cache, though all images can be read."""


def build(
    path: Path,
    images: SettledImages,
    made_for: Mapping[str, Any],
    origins: Sequence[str],
    *,
    workers: int,
    bound: int,
    told: Callable[[int], None],
    stop: Callable[[], bool],
) -> ImageCache:
    """Write the cache of some images, and open it.

    Args:
        path: of the file.
        images: what is in it.
        made_for: what the header says that they are.
        origins: where each comes from.
        workers: processes that read; 0: this one.
        bound: bytes that the pixels may take.
        told: called now and then with the number of images that are done.
        stop: whether to give up, asked after each image.

    Raises:
        NoCacheError: if it would be larger than the bound, or is to stop.
        DataError: for an unreadable image.
        OSError: if it cannot be written.
    """
    processes = workers if len(images) > FEW else 0
    loader = DataLoader(
        images,
        batch_size=None,
        num_workers=processes,
        worker_init_fn=leave_signals_to_parent if processes else None,
        collate_fn=_as_it_is,
    )
    stored = list[Stored]()
    with partial_file(path) as file, loading(loader) as reads:
        said = time.monotonic() - SAID_EVERY + SAID_FIRST
        for read in reads:
            if isinstance(read, DataError):
                raise read
            file.write(bytes(-file.tell() % ALIGNED))
            offset, pixels = file.tell(), memoryview(read.pixels).cast("B")
            if offset + len(pixels) > bound:
                raise NoCacheError("more than was estimated")
            file.write(pixels)
            channels, height, width = read.pixels.shape
            stored.append(
                Stored(
                    origins[len(stored)],
                    read.sha256,
                    read.stat,
                    offset,
                    str(read.pixels.dtype),
                    (channels, height, width),
                    zlib.crc32(pixels),
                    read.size,
                )
            )
            if stop():
                raise NoCacheError("stopped")
            if time.monotonic() - said > SAID_EVERY:
                told(len(stored))
                said = time.monotonic()
        file.write(header_bytes(made_for, stored))
    return ImageCache(path, stored)


def _as_it_is(read: Any) -> Any:
    """Or torch would make a tensor of what it finds."""
    return read


def file_state(path: Path) -> tuple[int, ...]:
    """What differs, as good as always, when a file's bytes do: see `Stored`. Raises OSError."""
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def file_digest(path: Path) -> str:
    """SHA-256. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
