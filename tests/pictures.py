"""Pictures that look like photographs to a hash: smooth, coloured, each unlike the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def photo(seed: int, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """RGB, of `size`: six by five random colours, blended."""
    colours = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8)
    return Image.fromarray(colours).resize(size, Image.Resampling.BICUBIC)


def folders(root: Path, train: int = 4, test: int = 2) -> Path:
    """A clean data set trainA trainB testA testB of PNGs called 000.png, 001.png, ..."""
    seed = 0
    for name, count in (("trainA", train), ("trainB", train), ("testA", test), ("testB", test)):
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            photo(seed).save(root / name / f"{number:03d}.png")
            seed += 1
    return root
