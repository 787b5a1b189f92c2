"""TIFF and NumPy files, read and written with the pixels of a domain. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import tifffile
from numpy.typing import NDArray

from gantrans.api.files import ImageFiles
from gantrans.errors import DataError
from gantrans_scientific.pixels import Pixels

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ArrayFiles(ImageFiles):
    """TIFF (.tif, .tiff), .npy, and .npz with one array, each with one image.

    Args:
        pixels: what the files hold; a file that holds something else is refused.
    """

    pixels: Pixels

    suffixes = (".tif", ".tiff", ".npy", ".npz")

    def read(self, path: Path) -> Tensor:
        """The image of a file as float32 (channels, H, W) in [-1, 1].

        Raises:
            DataError: naming the file, if it cannot be read, holds other than the domain's pixels,
                or has NaN or infinite ones.
        """
        try:
            return self.pixels.to_tensor(self._checked(*_load(path)))
        except DataError as error:
            raise DataError(f"cannot use {path}: {error}") from None

    def write(self, image: Tensor, path: Path) -> None:
        """Write float32 (channels, H, W) in [-1, 1], in the depth and range of the domain.

        One channel makes an array (H, W). Several are (C, H, W), or (H, W, C) if `axes` is
        channels_last; in a TIFF file that is one page, but a page for each channel if `axes` is
        channels_first. TIFF and .npz are compressed without loss.
        """
        array = self.pixels.to_numbers(image)
        last = self.pixels.axes == "channels_last"
        array = array[0] if len(array) == 1 else np.moveaxis(array, 0, -1) if last else array
        array = np.ascontiguousarray(array)
        match path.suffix.lower():
            case ".npy":
                np.save(path, array)
            case ".npz":
                np.savez_compressed(path, image=array)
            case _:
                self._write_tiff(array, path)

    def _write_tiff(self, array: NDArray[Any], path: Path) -> None:
        options: dict[str, Any] = {"photometric": "minisblack"}
        if array.ndim == 3:
            match self.pixels.axes:
                case "channels_first":
                    options["metadata"] = {"axes": "CYX"}
                case "channels_last":
                    options["planarconfig"] = "contig"
                case "auto":
                    options["planarconfig"] = "separate"
            if self.pixels.channels == 3 and self.pixels.axes != "channels_first":
                options["photometric"] = "rgb"
        tifffile.imwrite(path, array, compression="zlib", **options)

    def _checked(self, array: NDArray[Any], axes: str | None) -> NDArray[Any]:
        """The array of a file as (channels, H, W); DataError if it is not what it should be."""
        if array.dtype.name != self.pixels.depth:
            raise DataError(
                f"found {array.dtype.name}, expected {self.pixels.depth}: set the `depth` of its "
                "domain, or convert the file"
            )
        image = self._channels_first(array, axes)
        if len(image) != self.pixels.channels or not image.size:
            raise DataError(
                f"found {len(image)} channels of {image.shape[2]} x {image.shape[1]} pixels, "
                f"expected {self.pixels.channels}: set the `channels` of its domain, or its `axes`"
            )
        if not self.pixels.is_integer and not np.isfinite(image).all():
            raise DataError(
                f"{np.count_nonzero(~np.isfinite(image))} of its numbers are NaN or infinite: "
                "replace them, or take the file out"
            )
        return image

    def _channels_first(self, array: NDArray[Any], axes: str | None) -> NDArray[Any]:
        if array.ndim == 2:
            return array[None]
        if array.ndim != 3:
            raise DataError(f"found an array {array.shape}, expected one image with its channels")
        place = self.pixels.axes
        if place == "auto":
            place = self._by_length(array.shape) if axes is None else _as_said(axes, array.shape)
        return array if place == "channels_first" else np.moveaxis(array, -1, 0)

    def _by_length(self, shape: tuple[int, ...]) -> Literal["channels_first", "channels_last"]:
        first, last = (shape[at] == self.pixels.channels for at in (0, -1))
        if first == last:
            which = "either the first or the last axis" if first else "neither axis"
            raise DataError(
                f"found an array {shape}, of which {which} can be the {self.pixels.channels} "
                "channels: set the `axes` (or the `channels`) of its domain"
            )
        return "channels_first" if first else "channels_last"


def _as_said(axes: str, shape: tuple[int, ...]) -> Literal["channels_first", "channels_last"]:
    """Where a TIFF file says that its channels are: S (samples of a page) or C (of ImageJ, OME)."""
    if axes in ("SYX", "CYX"):
        return "channels_first"
    if axes in ("YXS", "YXC"):
        return "channels_last"
    raise DataError(
        f"found a stack {shape} whose pages are not said to be channels (axes {axes}): set `axes` "
        'of its domain to "channels_first" if they are, or split the file'
    )


def _load(path: Path) -> tuple[NDArray[Any], str | None]:
    """The array of a file and, of TIFF files, its axes in tifffile's letters."""
    try:
        return _load_tiff(path) if path.suffix.lower() in (".tif", ".tiff") else _load_numpy(path)
    except (DataError, MemoryError):
        raise
    except Exception as error:  # of damaged files both libraries raise whatever comes up
        advice = "repair it, or take it out"
        if "imagecodecs" in str(error):  # tifffile needs it for most kinds of compression
            advice = 'pip install "gantrans-scientific[codecs]"'
        reason = str(error) or type(error).__name__
        raise DataError(f"it cannot be read ({reason}): {advice}") from error


_NO_MEASURE = {
    "PALETTE": "places in a table of colours",
    "MINISWHITE": "which are larger where it is darker",
}


def _load_tiff(path: Path) -> tuple[NDArray[Any], str]:
    with tifffile.TiffFile(path) as file:
        if len(file.series) != 1:
            raise DataError(f"found {len(file.series)} images, expected one in a file")
        series = file.series[0]
        meaning = tifffile.PHOTOMETRIC(series.keyframe.photometric)
        if meaning in (tifffile.PHOTOMETRIC.PALETTE, tifffile.PHOTOMETRIC.MINISWHITE):
            raise DataError(
                f"its numbers are {meaning.name}, {_NO_MEASURE[meaning.name]}; expected MINISBLACK "
                "or RGB: save it as one of these"
            )
        array, axes = series.asarray(), series.axes
    for at in reversed(range(array.ndim)):  # axes that only the file's format has
        if array.shape[at] == 1 and axes[at] not in "YX":
            array, axes = array.squeeze(at), axes[:at] + axes[at + 1 :]
    return array, axes


def _load_numpy(path: Path) -> tuple[NDArray[Any], None]:
    with path.open("rb") as file:  # given a path, numpy leaves a damaged .npz open
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded, None
        if len(loaded.files) != 1:
            raise DataError(f"found {len(loaded.files)} arrays, expected one in a file")
        return loaded[loaded.files[0]], None
