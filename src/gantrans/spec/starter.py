"""A first spec for the user's own images: settings chosen from what was found, each one explained.

Pure text from plain facts: `gantrans init` finds the facts and writes the text. What a method's
paper settles is in gantrans.spec.starters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil

from gantrans.spec.image_facts import Facts
from gantrans.spec.starters.cut import cut, fastcut
from gantrans.spec.starters.cyclegan import cyclegan
from gantrans.spec.starters.pix2pix import pix2pix
from gantrans.spec.starters.recipe import Recipe
from gantrans.spec.starters.text import plain_name, toml_string

RECIPES: Mapping[str, Callable[[Facts], Recipe]] = {
    "cyclegan": cyclegan,
    "pix2pix": pix2pix,
    "cut": cut,
    "fastcut": fastcut,
}
"""What `gantrans init --method` chooses from."""

_FEW, _MANY = 100, 5000  # steps of an epoch; between them the paper's number of epochs is sensible


def starter_spec(facts: Facts, method: str = "cyclegan") -> str:
    """The TOML text of a spec that runs as it stands.

    Args:
        facts: what was found.
        method: one of `RECIPES`.

    Raises:
        DataError: if the images are too small to train on.
    """
    recipe = RECIPES[method](facts)
    return "\n".join([_head(facts), _domains(facts), *recipe.tables, _train(recipe)])


def choose_epochs(steps: int, paper: int = 200) -> int:
    """The paper's, but more for few images and fewer for very many (`steps`: an epoch's)."""
    epochs = min(max(paper, ceil(_FEW * paper / steps)), ceil(_MANY * paper / steps))
    return epochs if epochs <= paper else ceil(epochs / 100) * 100


def _head(facts: Facts) -> str:
    return f"""\
# Written by `gantrans init`, to be run as it stands or changed as you like.
#
# The images: {facts.counts()};
# {facts.extent()}, {facts.colours()}.
#
# Train with `gantrans run` and this file's name; --dry-run tries one step and estimates the time.
# `gantrans show-batch` draws what training will see.

name = {toml_string(plain_name(facts.name))}  # begins the run directory's name
"""


def _domains(facts: Facts) -> str:
    a, b = facts.domains
    return f"""\
[domains]  # {facts.naming}
a = {toml_string(a.name)}
b = {toml_string(b.name)}
"""


def _train(recipe: Recipe) -> str:
    steps = recipe.steps
    epochs = choose_epochs(steps, recipe.epochs)
    why = recipe.whose
    if epochs != recipe.epochs:
        more = "more, for few" if epochs > recipe.epochs else "less, for many"
        why += f" is {recipe.epochs}; {more} images"
    cadence = min(max(steps, 200), 2000)
    count = f"{steps:,} step{'' if steps == 1 else 's'} an epoch ({recipe.once})"
    return f"""\
[train]
# {count}, {steps * epochs:,} steps in all.
epochs = {epochs}  # {why}
decay_start = {epochs * recipe.constant // recipe.epochs}  # epoch after which the learning rate \
falls linearly to 0
batch_size = 1
# In steps. Pictures of how far it is, and the state from which `gantrans run --resume` goes on:
sample_every = {cadence}
checkpoint_every = {cadence}
"""
