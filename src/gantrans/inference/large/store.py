"""The maps that are kept between passes: in memory, or in files."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType

import torch
from torch import Tensor
from torch.fx import Node

from gantrans.errors import DataError
from gantrans.inference.large.nodes import shape_of
from gantrans.inference.large.plan import bytes_of
from gantrans.inference.large.tiling import Region
from gantrans.inference.memory import mebibytes


class Store:
    """Kept maps, by node, on the host.

    Args:
        in_files: in a temporary folder, that of the variable TMPDIR; else in memory.
    """

    def __init__(self, in_files: bool) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="gantrans-")) if in_files else None
        self._there: dict[Node, Tensor | Path] = {}

    def add(self, node: Node) -> None:
        """Make room for a map. Raises DataError if a disk has none."""
        if self._folder is None:
            self._there[node] = torch.empty(_shape(node))
            return
        file = self._folder / node.name
        try:
            _reserve(file, bytes_of(node))
        except OSError as error:
            raise DataError(
                f"no room for intermediate results in {self._folder.parent}: "
                f"{mebibytes(bytes_of(node))} more are needed ({error.strerror}); let the variable "
                "TMPDIR name a folder on a larger disk, or allow more memory"
            ) from error
        self._there[node] = file

    def read(self, node: Node, region: Region) -> Tensor:
        """A region of a map, (1, C, h, w)."""
        (rows, columns), kept = region, self._mapped(node)
        tile = kept[None, :, rows.start : rows.stop, columns.start : columns.stop]
        return tile if self._folder is None else tile.clone()

    def write(self, node: Node, region: Region, tile: Tensor) -> None:
        """Keep a region of a map."""
        rows, columns = region
        self._mapped(node)[:, rows.start : rows.stop, columns.start : columns.stop] = tile[0]

    def drop(self, node: Node) -> None:
        """Forget a map."""
        kept = self._there.pop(node)
        if isinstance(kept, Path):
            kept.unlink()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._there.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _mapped(self, node: Node) -> Tensor:
        """A map as a tensor. That of a file is in memory only where, and while, it is used."""
        kept = self._there[node]
        if isinstance(kept, Tensor):
            return kept
        shape = _shape(node)
        return torch.from_file(str(kept), shared=True, size=shape.numel()).view(shape)


def _shape(node: Node) -> torch.Size:
    shape = shape_of(node)
    assert shape is not None
    return shape[1:]


def _reserve(file: Path, size: int) -> None:
    """A file of that many bytes, which are there: writing to a map of it cannot fail later."""
    with file.open("wb") as stream:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(stream.fileno(), 0, size)
        else:
            stream.truncate(size)
