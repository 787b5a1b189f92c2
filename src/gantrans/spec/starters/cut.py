"""CUT and FastCUT (Park et al. 2020): one way, without partners and without a way back."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from gantrans.spec.image_facts import Facts
from gantrans.spec.starters.recipe import Recipe
from gantrans.spec.starters.scale import SMALLEST, choose_scale, usable_side
from gantrans.spec.starters.tables import (
    adam,
    adversarial,
    channels,
    data,
    patches,
    residual,
    transform,
)
from gantrans.spec.starters.text import toml_string

_PATCHES = 256
_PICTURE_CROP = 128  # of single pictures, in pixels
_SMALLEST_ZOOM = 0.4
_REPEAT = 400  # crops of a picture in an epoch


@dataclass(frozen=True)
class _Variant:
    """What CUT and FastCUT do differently; the comments name the other's choice."""

    weight: str
    identity: str
    flip_equivariance: str
    epochs: int
    constant: int


_CUT = _Variant(
    weight="1.0  # FastCUT: 10",
    identity="true  # images of the target must stay as they are; FastCUT: false, a pass less",
    flip_equivariance="false  # FastCUT: true",
    epochs=400,
    constant=200,
)
_FASTCUT = _Variant(
    weight="10.0  # CUT: 1",
    identity="false  # CUT: true, images of the target must stay as they are: a pass more",
    flip_equivariance="true  # the mirrored image must give the mirrored translation; CUT: false",
    epochs=200,
    constant=150,
)


def cut(facts: Facts) -> Recipe:
    """Section 4 of the paper and its appendix. Raises DataError if the images are too small."""
    return _recipe(facts, _CUT)


def fastcut(facts: Facts) -> Recipe:
    """The paper's lighter variant. Raises DataError if the images are too small."""
    return _recipe(facts, _FASTCUT)


def _recipe(facts: Facts, variant: _Variant) -> Recipe:
    a, b = (domain.name for domain in facts.domains)
    if facts.pictures is None:
        scale = choose_scale(facts)
        crop, steps = scale.crop, max(domain.train for domain in facts.domains)
        once = "the larger domain once"
        images = (
            data(facts, "unpaired_folder", _channels(facts)),
            transform(scale, "a multiple of 4"),
        )
    else:
        crop, steps = _picture_crop(facts), _REPEAT
        once = "`repeat` crops of each picture"
        images = _single_image(facts, facts.pictures, crop)
    return Recipe(
        (
            *images,
            f"""\
[method]
type = "cut"
direction = "ab"  # from {a} to {b}; "ba" translates the other way
flip_equivariance = {variant.flip_equivariance}
""",
            """\
[init]
scheme = "xavier"  # CycleGAN's is "normal"
gain = 0.02
""",
            residual(crop, _BLUR + 'upsample = "blur"\n'),
            patches(crop, _BLUR, blur=True),
            adversarial("lsgan"),
            _patch_nce(crop, variant),
            adam(),
        ),
        steps=steps,
        once=once,
        epochs=variant.epochs,
        constant=variant.constant,
    )


_BLUR = 'downsample = "blur"  # antialiased: a shifted image gives a shifted result\n'


def _patch_nce(crop: int, variant: _Variant) -> str:
    # The last layers have a quarter of the resolution, and a patch is one pixel of a layer.
    count = min(_PATCHES, (crop // 4) ** 2)
    why = "" if count == _PATCHES else f": all that the last ones have; the paper's is {_PATCHES}"
    return f"""\
[losses.patch_nce]  # a patch of the translation must resemble its own place, not the others
weight = {variant.weight}
identity = {variant.identity}
layers = ["image", "down1", "down2", "block1", "block5"]  # of the generator, from pixels on
patches = {count}  # places compared at each layer{why}
temperature = 0.07  # less: only the most similar of the other places count
width = 256  # of the two-layer head that compares
"""


def _channels(facts: Facts) -> str:
    if facts.one_colour:
        return channels(facts)
    return (
        "# The generator reads its own translations, so both domains need as many channels.\n"
        "channels = 3  # gray images become colour images\n"
    )


def _picture_crop(facts: Facts) -> int:
    """The paper's 128, or half of a smaller picture, so that there is a choice of places."""
    return max(SMALLEST, min(_PICTURE_CROP, usable_side(facts) // 2 // 4 * 4))


def _single_image(facts: Facts, pictures: tuple[str, str], crop: int) -> tuple[str, str]:
    # Rounded up, so that the smallest copy of a picture is never smaller than the crop.
    zoom = max(_SMALLEST_ZOOM, ceil(100 * crop / facts.shorter[0]) / 100)
    a, b = map(toml_string, pictures)
    return (
        f"""\
[data]
type = "single_image"
# Both are relative to this file. The whole pictures are what is tested on, too.
a = {a}
b = {b}
repeat = {_REPEAT}  # crops of each picture in an epoch
{_channels(facts)}""",
        f"""\
[data.transform]
# One picture a domain, as in the paper's section on single images (with CUT's own networks in
# place of the larger ones there): crops at random places and scales, whole pictures in use.
zoom = [{min(zoom, 1.0)}, 1.0]  # the scale is drawn between these two
crop = {crop}  # side of the square cut out, in pixels: a multiple of 4
flip = true  # mirror half of the crops; false where left and right differ (text, ...)
""",
    )
