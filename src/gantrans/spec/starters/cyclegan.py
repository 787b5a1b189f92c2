"""CycleGAN (Zhu et al. 2017): both ways, without partners."""

from __future__ import annotations

from gantrans.spec.image_facts import Facts
from gantrans.spec.starters.recipe import Recipe
from gantrans.spec.starters.scale import choose_scale
from gantrans.spec.starters.tables import adversarial, channels, data, patches, residual, transform


def cyclegan(facts: Facts) -> Recipe:
    """Section 7 of the paper. Raises DataError if the images are too small."""
    scale = choose_scale(facts)
    return Recipe(
        (
            data(facts, "unpaired_folder", channels(facts)),
            transform(scale, "a multiple of 4"),
            '[method]\ntype = "cyclegan"\n',
            residual(scale.crop),
            patches(scale.crop),
            adversarial("lsgan"),
            "[losses.cycle]\nweight = 10.0\n",
            _identity(facts),
            "[optimizer]\nlr = 2e-4\n",
        ),
        steps=max(domain.train for domain in facts.domains),
        once="the larger domain once",
    )


def _identity(facts: Facts) -> str:
    if not facts.one_colour:
        return "# No identity loss: it needs as many channels in one domain as in the other.\n"
    return (
        "[losses.identity]  # keeps colours in place; take it out if colours must change much\n"
        "weight = 5.0\n"
    )
