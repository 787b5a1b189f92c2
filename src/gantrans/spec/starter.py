"""A first spec for the user's own images: settings chosen from what was found, each one explained.

Pure text from plain facts; `gantrans init` finds the facts and writes the text.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from math import ceil, log2

from gantrans.errors import DataError
from gantrans.spec.image_facts import Facts

_PAPER_RESIZE, _PAPER_CROP = 286, 256
_SMALLEST = 8  # what the generator `resnet` can take, in pixels
_FEW = 20  # images of a domain: so few that crops at full size give more to learn from
_FEWEST_STEPS, _MOST_STEPS = 20_000, 1_000_000  # a sensible length of a run


@dataclass(frozen=True)
class Scale:
    """How images are brought to one size; both in pixels, and why."""

    resize: int | None
    crop: int
    why: str


def choose_scale(facts: Facts) -> Scale:
    """The paper's 286 and 256 where the images allow it, else the largest crop that fits.

    Raises DataError if the images are too small for any.
    """
    by_domain = [sorted(min(size) for size in domain.sizes) for domain in facts.domains]
    sides = sorted(by_domain[0] + by_domain[1])
    # One thumbnail among a thousand photographs must not decide: a twentieth may be enlarged.
    side = min(shorter[len(shorter) // 20] for shorter in by_domain)
    if side < _SMALLEST:
        raise DataError(f"the images are {facts.extent()}; the networks need at least {_SMALLEST}")
    few = max(domain.train for domain in facts.domains) < _FEW
    if few and sides[0] >= 2 * _PAPER_CROP:
        return Scale(None, _PAPER_CROP, "few, large images: random crops at full size, no resize")
    if side >= _PAPER_CROP:
        return Scale(_PAPER_RESIZE, _PAPER_CROP, "the paper's: shorter side to 286, then crop 256")
    crop = side // 4 * 4
    if sides[0] == sides[-1]:
        return Scale(None, crop, "the largest multiple of 4 that fits")
    smaller = sum(s < side for s in sides)
    why = f"shorter sides go from {sides[0]} to {sides[-1]} px: all are brought to {side}"
    return Scale(side, crop, why + (f" ({smaller} of them enlarged)" if smaller else ""))


def choose_epochs(steps: int) -> int:
    """The paper's 200, but more for few images and fewer for very many (`steps`: an epoch's)."""
    epochs = min(max(200, ceil(_FEWEST_STEPS / steps)), ceil(_MOST_STEPS / steps))
    return epochs if epochs <= 200 else ceil(epochs / 100) * 100


def starter_spec(facts: Facts) -> str:
    """The TOML text of a spec that runs as it stands.

    Raises DataError if the images are too small to train on.
    """
    a, b = facts.domains
    scale = choose_scale(facts)
    layers = max(1, min(3, int(log2(scale.crop / 6))))  # 4 x 4 patches or more
    patch, patches = 9 * 2**layers - 2, scale.crop // 2**layers - 2
    steps = max(a.train, b.train)
    epochs = choose_epochs(steps)
    cadence = min(max(steps, 200), 2000)
    folders = "\n".join(f"{key} = {toml_string(value)}" for key, value in facts.folders)
    resize = f"resize = {scale.resize}  # shorter side, in pixels\n" if scale.resize else ""
    return f"""\
# Written by `gantrans init`, to be run as it stands or changed as you like.
#
# The images: {facts.counts()};
# {facts.extent()}, {facts.colours()}.
#
# Train with `gantrans run` and this file's name; --dry-run tries one step and estimates the time.
# `gantrans show-batch` draws what training will see.

name = {toml_string(plain_name(facts.name))}  # begins the run directory's name

[domains]  # {facts.naming}
a = {toml_string(a.name)}
b = {toml_string(b.name)}

[data]
type = "unpaired_folder"
# The root is relative to this file{_below_root(facts)}.
# `limit = 100` would use the first hundred images of each folder only.
{folders}
{_channels(facts)}
[data.transform]
# {_sentence(scale.why)}.
{resize}crop = {scale.crop}  # side of the square cut out, in pixels: a multiple of 4
flip = true  # mirror half of the training images; false where left and right differ (text, ...)

[method]
type = "cyclegan"

[generator]
type = "resnet"
width = 64  # with half of it, a step is a quarter of the work
blocks = {_blocks(scale.crop)}

[discriminator]
type = "patchgan"
width = 64
layers = {layers}  # judges patches of {patch} px, {patches} x {patches} of them in a crop of \
{scale.crop}

[losses.adversarial]
objective = "lsgan"
weight = 1.0

[losses.cycle]
weight = 10.0

{_identity(facts)}
[optimizer]
lr = 2e-4

[train]
# {_count(steps, "step")} an epoch (the larger domain once), {steps * epochs:,} steps in all.
epochs = {epochs}{_why_epochs(epochs)}
decay_start = {epochs // 2}  # epoch after which the learning rate falls linearly to 0
batch_size = 1
# In steps. Pictures of how far it is, and the state from which `gantrans run --resume` goes on:
sample_every = {cadence}
checkpoint_every = {cadence}
"""


def toml_string(text: str) -> str:
    """`text` as a TOML string in quotes, every special character escaped."""
    # JSON's escapes are TOML's, but for DEL, which TOML wants escaped too.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def plain_name(text: str) -> str:
    """`text` as a run's name: letters, digits, '.', '_' and '-'."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", ascii_only).lstrip("._-")[:80].rstrip("-") or "run"


def domain_names(first: str, second: str) -> tuple[str, str]:
    """Two folders' names as names of domains; "A" and "B" where that does not work."""
    names = [
        re.sub(r"[^\w .-]+", "_", name).lstrip(" .-")[:40].rstrip() for name in (first, second)
    ]
    return (names[0], names[1]) if all(names) and names[0] != names[1] else ("A", "B")


def _below_root(facts: Facts) -> str:
    return "; the other folders are relative to the root" if len(facts.folders) > 1 else ""


def _channels(facts: Facts) -> str:
    a, b = (1 if domain.gray else 3 for domain in facts.domains)
    if a == b:
        return "channels = 1  # all images are gray; 3: colour\n" if a == 1 else ""
    return f"channels = {{ a = {a}, b = {b} }}  # 1: gray, 3: colour\n"


def _blocks(crop: int) -> str:
    if crop >= _PAPER_CROP:
        return f"9  # the paper's choice from {_PAPER_CROP} px on; 6 for less"
    return f"6  # the paper's choice below {_PAPER_CROP} px; 9 from there on"


def _identity(facts: Facts) -> str:
    if facts.domains[0].gray != facts.domains[1].gray:
        return "# No identity loss: it needs as many channels in one domain as in the other.\n"
    return (
        "[losses.identity]  # keeps colours in place; take it out if colours must change much\n"
        + ("weight = 5.0\n")
    )


def _why_epochs(epochs: int) -> str:
    if epochs == 200:
        return "  # the paper's"
    return f"  # the paper's is 200; {'more, for few' if epochs > 200 else 'less, for many'} images"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
