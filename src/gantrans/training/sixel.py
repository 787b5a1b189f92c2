"""Sixel, the images of DEC's terminals: bands of six rows, painted colour by colour."""

from __future__ import annotations

import re

from PIL import Image

COLOURS = 128
REPEATED = re.compile(rb"(.)\1{3,}", re.DOTALL)


def sixel(picture: Image.Image) -> str:
    """The escape sequence of an RGB picture, in up to 128 colours.

    A character says which of the six pixels of a column have the current colour: 63 + its bits,
    the topmost the lowest. `!5a` is five of them; `$` goes back to the band's beginning, `-` on to
    the next band.
    """
    indexed = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    width, height = indexed.size
    palette = indexed.getpalette() or []
    pixels = indexed.tobytes()
    used = sorted(set(pixels))
    levels = {n: [round(level * 100 / 255) for level in palette[3 * n : 3 * n + 3]] for n in used}
    head = f'"1;1;{width};{height}' + "".join(
        f"#{n};2;{r};{g};{b}" for n, (r, g, b) in levels.items()
    )
    # By colour and row of a band: what the row's pixels are worth.
    worth = {n: [bytes(n) + bytes([1 << y]) + bytes(255 - n) for y in range(6)] for n in used}
    bands = []
    for top in range(0, height, 6):
        rows = [pixels[y * width : (y + 1) * width] for y in range(top, min(top + 6, height))]
        bands.append("$".join(_painted(rows, n, worth[n]) for n in sorted(set(b"".join(rows)))))
    return f"\x1bPq{head}{'-'.join(bands)}\x1b\\"


def _painted(rows: list[bytes], colour: int, worth: list[bytes]) -> str:
    bits = 0
    for row, table in zip(rows, worth, strict=False):
        bits |= int.from_bytes(row.translate(table))
    characters = bits.to_bytes(len(rows[0])).translate(_CHARACTERS)
    short = REPEATED.sub(lambda run: b"!%d%c" % (len(run[0]), run[0][0]), characters)
    return f"#{colour}{short.decode()}"


_CHARACTERS = bytes(min(63 + bits, 126) for bits in range(256))
