"""How the user's images are brought to one size: the paper's where they allow it."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log2

from gantrans.errors import DataError
from gantrans.spec.image_facts import Facts

RESIZE, CROP = 286, 256
"""Sides in pixels; CycleGAN's, pix2pix's and CUT's alike."""
SMALLEST = 8
"""What the generators can take, in pixels."""
_FEW = 20  # images of a domain: so few that crops at full size give more to learn from


@dataclass(frozen=True)
class Scale:
    """How images are brought to one size; both in pixels, and why."""

    resize: int | None
    crop: int
    why: str


def usable_side(facts: Facts) -> int:
    """The shorter side that (almost) all images have at least, in pixels.

    Raises DataError if it is too small for any network.
    """
    # One thumbnail among a thousand photographs must not decide: a twentieth may be enlarged.
    side = min(
        shorter[len(shorter) // 20]
        for shorter in (sorted(min(size) for size in domain.sizes) for domain in facts.domains)
    )
    if side < SMALLEST:
        raise DataError(f"the images are {facts.extent()}; the networks need at least {SMALLEST}")
    return side


def choose_scale(facts: Facts) -> Scale:
    """The paper's 286 and 256 where the images allow it, else the largest crop that fits.

    Raises DataError if the images are too small for any.
    """
    side = usable_side(facts)
    if (large := _large(facts, side)) is not None:
        return large
    crop = side // 4 * 4
    if _equal(facts):
        return Scale(None, crop, "the largest multiple of 4 that fits")
    return Scale(side, crop, _brought(facts, side))


def choose_power(facts: Facts) -> Scale:
    """As `choose_scale`, with a crop that is a power of two, which a U-Net halves to one pixel.

    What the crop leaves of an image is, as in the paper, a tenth: enough to vary its place.
    Raises DataError if the images are too small for any.
    """
    side = usable_side(facts)
    if (large := _large(facts, side)) is not None:
        return large
    crop = 2 ** floor(log2(side))
    if _equal(facts) and side == crop:
        return Scale(None, crop, "whole images: a power of two already")
    resize = min(side, round(crop * RESIZE / CROP))
    why = "the largest power of two that fits"
    if resize < side or _equal(facts):
        return Scale(None if resize == side else resize, crop, why)
    return Scale(resize, crop, f"{why}; {_brought(facts, side)}")


def _large(facts: Facts, side: int) -> Scale | None:
    few = max(domain.train for domain in facts.domains) < _FEW
    if few and facts.shorter[0] >= 2 * CROP:
        return Scale(None, CROP, "few, large images: random crops at full size, no resize")
    if side >= CROP:
        return Scale(RESIZE, CROP, "the paper's: shorter side to 286, then crop 256")
    return None


def _equal(facts: Facts) -> bool:
    return facts.shorter[0] == facts.shorter[-1]


def _brought(facts: Facts, side: int) -> str:
    smaller = sum(s < side for s in facts.shorter)
    enlarged = f" ({smaller} of them enlarged)" if smaller else ""
    return (
        f"shorter sides go from {facts.shorter[0]} to {facts.shorter[-1]} px: all are brought to "
        f"{side}{enlarged}"
    )
