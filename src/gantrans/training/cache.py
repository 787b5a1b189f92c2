"""The training images of one domain, converted and resized, in one file on the disk.

The file: the pixels of one image after another, each from a multiple of 64 bytes on, as uint8 or
float32 (channels, H, W); then a header, JSON; then 24 bytes: the length of the header and its
CRC-32 (both little-endian, 8 bytes), and a magic word. Whoever finds that files changed without
changing their bytes appends a new header: the last one counts, and pixels are never written over.
The header has what the file was made for, and of each image where it comes from, the SHA-256, size
in bytes and time of its file, its pixels' place, type, shape and CRC-32, and its width and height
before the transform.
"""

from __future__ import annotations

import json
import math
import mmap
import os
import struct
import warnings
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gantrans.training.cache_folder import open_own
from gantrans.training.transform import Settled

MAGIC = b"gantrans"
END = struct.Struct("<QQ8s")
ALIGNED = 64
"""Bytes: what any type of number can begin at."""

DTYPES = {"uint8": torch.uint8, "float32": torch.float32}


@dataclass(frozen=True)
class Stored:
    """Where an image comes from and where its pixels are.

    Args:
        origin: the path of its file, or what names its content.
        sha256: of its file; empty if it has none.
        stat: of its file: size in bytes, times of the last change of its bytes and of its entry in
            nanoseconds, number; empty if it has none.
        offset: of its pixels, in bytes.
        dtype: "uint8" or "float32".
        shape: channels, height, width.
        crc32: of its pixels.
        size: width and height before the transform.
    """

    origin: str
    sha256: str
    stat: tuple[int, ...]
    offset: int
    dtype: str
    shape: tuple[int, int, int]
    crc32: int
    size: tuple[int, int]

    @property
    def length(self) -> int:
        """Bytes of the pixels."""
        return math.prod(self.shape) * DTYPES[self.dtype].itemsize


class ImageCache:
    """The images of a cache file. In another process it is opened again.

    Args:
        path: of the file.
        stored: what is in it.
    """

    def __init__(self, path: Path, stored: Sequence[Stored]) -> None:
        self.path, self.stored = path, stored
        self._right = bytearray(len(stored))  # whose CRC was found right by this process
        self._pixels = _mapped(path)

    def __reduce__(self) -> tuple[object, ...]:
        return ImageCache, (self.path, self.stored)

    def get(self, index: int) -> Settled | None:
        """Image `index`, whose tensor nobody may write into; None if its pixels are damaged."""
        one = self.stored[index]
        if self._pixels is None or one.offset + one.length > len(self._pixels):
            return None
        found = self._pixels[one.offset : one.offset + one.length]
        if not self._right[index]:
            if zlib.crc32(found.numpy().data) != one.crc32:
                with suppress(OSError):
                    self.path.unlink(missing_ok=True)  # so that the next run builds another
                return None
            self._right[index] = 1
        return Settled(found.view(DTYPES[one.dtype]).view(one.shape), one.size)


def _mapped(path: Path) -> Tensor | None:
    """The bytes of a file, read when they are looked at; None if it is gone, or another user's."""
    try:
        with open_own(path) as file:
            seen = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # ValueError: empty
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # torch has no tensors that are read-only
        return torch.frombuffer(seen, dtype=torch.uint8)


def read_header(path: Path) -> tuple[Mapping[str, Any], list[Stored]] | None:
    """What a cache file was made for and what is in it; None if it is no whole one of this user."""
    try:
        with open_own(path) as file:
            end = file.seek(-END.size, os.SEEK_END)
            length, crc32, magic = END.unpack(file.read())
            if magic != MAGIC or length > end:
                return None
            file.seek(end - length)
            raw = file.read(length)
        if zlib.crc32(raw) != crc32:
            return None
        header = json.loads(raw)
        return header["made_for"], [_stored(fields) for fields in header["images"]]
    except (OSError, ValueError, LookupError, TypeError):
        return None


def header_bytes(made_for: Mapping[str, Any], stored: Sequence[Stored]) -> bytes:
    """A header with its end, as the file has it."""
    images = [list(asdict(one).values()) for one in stored]
    raw = json.dumps({"made_for": made_for, "images": images}).encode()
    return raw + END.pack(len(raw), zlib.crc32(raw), MAGIC)


def _stored(fields: Sequence[Any]) -> Stored:
    origin, sha256, stat, offset, dtype, shape, crc32, size = fields
    if dtype not in DTYPES:
        raise ValueError(f"pixels of type {dtype!r}")
    return Stored(origin, sha256, tuple(stat), offset, dtype, tuple(shape), crc32, tuple(size))
