"""pix2pix (Isola et al. 2017): from pairs, one way."""

from __future__ import annotations

from math import log2

from gantrans.spec.image_facts import Facts
from gantrans.spec.starters.recipe import Recipe
from gantrans.spec.starters.scale import CROP, choose_power
from gantrans.spec.starters.tables import adam, adversarial, channels, data, patches, transform

_DROPPED_FROM = 6  # the depth from which the U-Net has a layer with dropout


def pix2pix(facts: Facts) -> Recipe:
    """Section 6 of the paper. Raises DataError if the images are too small."""
    a, b = facts.domains
    scale = choose_power(facts)
    depth = int(log2(scale.crop))
    halves = (
        f"side_by_side = true  # a file shows {a.name} on its left half, {b.name} on its right\n"
        if facts.side_by_side
        else "# Partners have one name, in the folder of each domain.\n"
    )
    return Recipe(
        (
            data(facts, "paired_folder", halves + channels(facts)),
            transform(scale, f"a multiple of {2**depth}"),
            f"""\
[method]
type = "pix2pix"
direction = "ab"  # from {a.name} to {b.name}; "ba" translates the other way
""",
            _unet(depth),
            patches(scale.crop, 'norm = "batch"  # the paper\'s\n'),
            adversarial("vanilla", "the paper's: cross-entropy"),
            """\
[losses.l1]  # the distance to the partner: without it, translations are sharp but wander
weight = 100.0
""",
            adam("constant in the paper; in the authors' PyTorch code it falls, as below"),
        ),
        steps=a.train,
        once="every pair once",
        whose="the authors' number",  # the paper names another for each data set
    )


def _unet(depth: int) -> str:
    if 2**depth == CROP:
        return f"""\
[generator]
type = "unet"
preset = "pix2pix"  # halves {CROP} px {depth} times, to one; batch norm and a dropout of 0.5
width = 64  # with half of it, a step is a quarter of the work
"""
    if depth < _DROPPED_FROM:
        drops = f"the paper's; counts from a depth of {_DROPPED_FROM} on"
    else:
        drops = "the paper's source of randomness"
    return f"""\
[generator]
type = "unet"
width = 64  # with half of it, a step is a quarter of the work
depth = {depth}  # halves {2**depth} px to one; the paper's is 8, for {CROP} px
norm = "batch"  # the paper's
dropout = 0.5  # {drops}
"""
