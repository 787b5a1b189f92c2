"""Tables of a first spec that several methods write."""

from __future__ import annotations

from math import log2

from gantrans.spec.image_facts import Facts
from gantrans.spec.starters.scale import CROP, Scale
from gantrans.spec.starters.text import sentence, toml_string


def data(facts: Facts, dataset: str, more: str = "") -> str:
    """[data] of a data set that reads folders; `more`: its further lines."""
    below = "; the other folders are relative to the root" if len(facts.folders) > 1 else ""
    images = "pairs" if facts.paired else "images of each folder"
    folders = "".join(f"{key} = {toml_string(value)}\n" for key, value in facts.folders)
    return f"""\
[data]
type = "{dataset}"
# The root is relative to this file{below}.
# `limit = 100` would use the first hundred {images} only.
{folders}{more}"""


def channels(facts: Facts) -> str:
    """Gray or colour, as each domain's images are."""
    a, b = (1 if domain.gray else 3 for domain in facts.domains)
    if a == b:
        return "channels = 1  # all images are gray; 3: colour\n" if a == 1 else ""
    return f"channels = {{ a = {a}, b = {b} }}  # 1: gray, 3: colour\n"


def transform(scale: Scale, multiple: str) -> str:
    """[data.transform]; `multiple`: what the crop must be, for a comment."""
    resize = f"resize = {scale.resize}  # shorter side, in pixels\n" if scale.resize else ""
    return f"""\
[data.transform]
# {sentence(scale.why)}.
{resize}crop = {scale.crop}  # side of the square cut out, in pixels: {multiple}
flip = true  # mirror half of the training images; false where left and right differ (text, ...)
"""


def residual(crop: int, more: str = "") -> str:
    """[generator] of type "resnet"; `more`: its further lines."""
    if crop >= CROP:
        blocks = f"9  # the paper's choice from {CROP} px on; 6 for less"
    else:
        blocks = f"6  # the paper's choice below {CROP} px; 9 from there on"
    return f"""\
[generator]
type = "resnet"
width = 64  # with half of it, a step is a quarter of the work
blocks = {blocks}
{more}"""


def patches(crop: int, more: str = "", *, blur: bool = False) -> str:
    """[discriminator] of type "patchgan"; `more`: its further lines; `blur`: how it halves."""
    layers = max(1, min(3, int(log2(crop / 6))))  # 4 x 4 patches or more
    # Two convolutions of size 4 see 7 pixels; a halving by stride makes 2 r + 2 of r, and one by a
    # convolution and the blur filter 2 r + 4.
    patch = 11 * 2**layers - 4 if blur else 9 * 2**layers - 2
    scores = crop // 2**layers - 2
    return f"""\
[discriminator]
type = "patchgan"
width = 64
layers = {layers}  # judges patches of {patch} px, {scores} x {scores} of them in a crop of {crop}
{more}"""


def adversarial(objective: str, why: str = "") -> str:
    """[losses.adversarial] of weight 1."""
    return f"""\
[losses.adversarial]
objective = "{objective}"{f"  # {why}" if why else ""}
weight = 1.0
"""


def adam(why: str = "") -> str:
    """[optimizer]; `why`: of the learning rate, for a comment."""
    return f"""\
[optimizer]
lr = 2e-4{f"  # {why}" if why else ""}
betas = [0.5, 0.999]  # Adam's
"""
