"""What the pixels of a domain's files are, and how they become the network's values and come back.

    x = (v - low - half) / half,    v = x half + half + low,    half = (high - low) / 2

for a pixel v and a value x in [-1, 1]. Both are computed in 64 bits; x is kept in 32 bits, so that
v comes back to within (high - low) / 2^26, before it is rounded to the file's depth. Integers of 8
or 16 bits come back as they were. For them 32 bits do: v - low - half is exact in these, and x the
number of 32 bits that is nearest. Imports no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from gantrans.api.table import Table

if TYPE_CHECKING:
    from torch import Tensor

Depth = Literal[
    "uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64"
]
Axes = Literal["auto", "channels_first", "channels_last"]


class Pixels(Table):
    """What the files of one domain hold."""

    channels: int = Field(1, ge=1, description="channels of every file")
    depth: Depth = Field("uint16", description="type of every file's numbers, read and written")
    range: tuple[float, float] | None = Field(
        None,
        description="the numbers that become -1 and 1, such as [0, 4095]; others are clipped; "
        "whole for an integer depth; absent: all that an integer depth can hold; floating-point "
        "depths need it",
    )
    axes: Axes = Field(
        "auto",
        description="where the channels of a file's array are. auto: where the TIFF file says, or "
        "the first or last axis of an .npy or .npz file, whichever is as long as `channels`; a "
        "page of a TIFF stack is a channel only with channels_first",
    )

    @model_validator(mode="after")
    def _has_a_range(self) -> Pixels:
        if self.range is None:
            if not self.is_integer:
                raise ValueError(
                    f"{self.depth} has no range of its own: give `range` = [low, high]"
                )
            return self
        low, high = self.range
        if low >= high:
            raise ValueError("`range` is [low, high], the lower number first")
        least, most = self._representable()
        if low < least or high > most:
            raise ValueError(
                f"`range` goes beyond what {self.depth} can hold, {least:.15g} to {most:.15g}"
            )
        if self.is_integer and not (low.is_integer() and high.is_integer()):
            raise ValueError(f"{self.depth} holds whole numbers: give whole bounds of `range`")
        if not np.isfinite(high - low):
            raise ValueError("`range` is wider than a number can be: give bounds nearer together")
        return self

    @property
    def is_integer(self) -> bool:
        """Whether the numbers are integers."""
        return np.issubdtype(np.dtype(self.depth), np.integer)

    @property
    def limits(self) -> tuple[float, float]:
        """The numbers that become -1 and 1."""
        return self._representable() if self.range is None else self.range

    def to_tensor(self, numbers: NDArray[Any]) -> Tensor:
        """Numbers of a file (channels, H, W) as float32 of that shape in [-1, 1]."""
        import torch

        low, high = self.limits
        half = (high - low) / 2
        v = numbers.astype(self._precision)  # a copy, so all that follows can be done in place
        np.clip(v, low, high, out=v)
        v -= low
        v -= half
        v /= half
        return torch.from_numpy(v.astype(np.float32, copy=False))

    def to_numbers(self, image: Tensor) -> NDArray[Any]:
        """Values (channels, H, W) in [-1, 1] as numbers of the file's depth, in the range."""
        low, high = self.limits
        half = (high - low) / 2
        v = image.detach().clamp(-1, 1).cpu().numpy().astype(self._precision, copy=False)
        v *= half
        v += half
        v += low
        if self.is_integer:
            np.rint(v, out=v)
        np.clip(v, low, high, out=v)
        return v.astype(self.depth, copy=False)

    @property
    def _precision(self) -> str:
        """The type to compute in."""
        small = self.is_integer and np.dtype(self.depth).itemsize <= 2
        return "float32" if small else "float64"

    def _representable(self) -> tuple[float, float]:
        dtype = np.dtype(self.depth)
        known = np.iinfo(dtype) if self.is_integer else np.finfo(dtype)
        return float(known.min), float(known.max)
