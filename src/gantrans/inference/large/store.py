"""The maps that are kept between passes: in memory, or in files."""

from __future__ import annotations

import mmap
import os
import tempfile
from typing import IO

import torch
from torch import Tensor
from torch.fx import Node

from gantrans.errors import DataError
from gantrans.inference.large.nodes import bytes_of
from gantrans.inference.large.tiling import Region
from gantrans.inference.memory import mebibytes


class Store:
    """Kept maps, by node, on the host.

    Args:
        in_files: in the folder of the variable TMPDIR, else in memory. The files have no names:
            they are gone when the process is, however it ends.
    """

    def __init__(self, in_files: bool) -> None:
        self._in_files = in_files
        self._there: dict[Node, Tensor | IO[bytes]] = {}

    def add(self, node: Node) -> None:
        """Make room for a map. Raises DataError if a disk has none."""
        if not self._in_files:
            value: Tensor = node.meta["val"]
            self._there[node] = torch.empty(value.shape[1:], dtype=value.dtype)
            return
        size = bytes_of(node)
        try:
            file = self._there[node] = tempfile.TemporaryFile(prefix="gantrans-")  # noqa: SIM115
            _reserve(file, size)
        except OSError as error:
            raise DataError(
                f"no room for intermediate results in the folder for temporary files: "
                f"{mebibytes(size)} more are needed ({error.strerror}); let the variable TMPDIR "
                "name a folder on a larger disk, or allow more memory"
            ) from error

    def read(self, node: Node, region: Region) -> Tensor:
        """A region of a map, (1, C, h, w)."""
        (rows, columns), kept = region, self._mapped(node)
        tile = kept[None, :, rows.start : rows.stop, columns.start : columns.stop]
        return tile.clone() if self._in_files else tile

    def write(self, node: Node, region: Region, tile: Tensor) -> None:
        """Keep a region of a map."""
        rows, columns = region
        self._mapped(node)[:, rows.start : rows.stop, columns.start : columns.stop] = tile[0]

    def drop(self, node: Node) -> None:
        """Forget a map."""
        kept = self._there.pop(node)
        if not isinstance(kept, Tensor):
            kept.close()

    def close(self) -> None:
        """Forget all maps."""
        for node in list(self._there):
            self.drop(node)

    def _mapped(self, node: Node) -> Tensor:
        """A map as a tensor. That of a file is in memory only where, and while, it is used."""
        kept = self._there[node]
        if isinstance(kept, Tensor):
            return kept
        value: Tensor = node.meta["val"]
        content = mmap.mmap(kept.fileno(), bytes_of(node))
        return torch.frombuffer(content, dtype=value.dtype).view(value.shape[1:])


def _reserve(file: IO[bytes], size: int) -> None:
    """So many bytes that are there: writing to a map of them cannot fail later."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
    else:
        file.truncate(size)
