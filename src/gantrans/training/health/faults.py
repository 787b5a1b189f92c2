"""THE table of faults: which number shows it, from where on, what it means and what helps.

Each threshold lies between what runs gave in which the fault was made on purpose and what sound
ones gave: docs/explanation/health.md has the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["fault", "warning"]
"""fault: the run will not get well by itself. warning: something to look at."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    Args:
        name: in health.jsonl.
        quantity: the number that shows it: the curve health/<quantity>/<where>.
        threshold: beyond it, the fault is there.
        over: back at this number, it is over.
        severity: how bad it is.
        title: in two or three words.
        seen: what one sees, with the {value} and the {threshold}.
        means: what it usually means.
        advice: what to try in the spec.
    """

    name: str
    quantity: str
    threshold: float
    over: float
    severity: Severity
    title: str
    seen: str
    means: str
    advice: str

    def beyond(self, value: float, *, since_before: bool = False) -> bool:
        """Whether `value` shows it; that a fault which was there goes on takes less."""
        limit = self.over if since_before else self.threshold
        return value > limit if self.threshold > self.over else value < limit

    def texts(self, value: float) -> dict[str, str]:
        """What health.jsonl says where the number is `value`."""
        seen = self.seen.format(value=value, threshold=self.threshold)
        return {"seen": seen, "means": self.means, "try": self.advice}


FAULTS = (
    Fault(
        "no_translation",
        "unchanged",
        0.93,
        0.9,
        "fault",
        "no translation",
        "the output is the input, almost unchanged: {value:.1%} of the input's contrast comes out "
        "as it went in (more than {threshold:.0%})",
        "The generator has learnt to copy. Nothing is better for the cycle and identity losses, so "
        "this happens where they outweigh the adversarial loss, or where the discriminator does "
        "not tell the domains apart",
        "halve the weights of losses.cycle and losses.identity, or take identity out; if the two "
        "domains hardly differ, this may be right",
    ),
    Fault(
        "collapsed",
        "variation",
        0.4,
        0.45,
        "fault",
        "collapse",
        "whatever goes in, nearly the same comes out: outputs vary {value:.0%} as much as real "
        "images do (less than {threshold:.0%})",
        "The generator has found one picture that deceives the discriminator (mode collapse), and "
        "nothing holds it to the input",
        "a larger weight of losses.cycle (or of losses.patch_nce, in CUT), a lower optimizer.lr, "
        "method.pool_size = 50, or train.batch_size above 1; begin again, since a collapsed run "
        "seldom recovers",
    ),
    Fault(
        "inverted",
        "likeness",
        -0.65,
        -0.6,
        "fault",
        "inverted colours",
        "light comes out dark and dark comes out light: input and output correlate by {value:.2f} "
        "(below {threshold:g})",
        "A negative can be turned back as well as a picture, so the cycle loss does not mind; a "
        "run falls into this by chance, in its first steps. Some domains are each other's "
        "negative, such as fluorescence and bright field: then it is right",
        "the loss identity (losses.identity.weight = 5.0), then begin again, with another seed",
    ),
    Fault(
        "hidden_information",
        "hidden",
        3.0,
        2.5,
        "warning",
        "hidden information",
        "the way back fails when the translation carries noise that one hardly sees: its error is "
        "{value:.1f} times what it is without, and the noise (more than {threshold:g})",
        "The generators hide in weak patterns of the translation what it does not show, and so "
        "the cycle is right without the translation being so (Chu et al. 2017)",
        "a smaller losses.cycle.weight, losses.identity, or a method without a way back "
        '(method.type = "cut")',
    ),
    Fault(
        "saturated",
        "saturated",
        0.3,
        0.25,
        "warning",
        "saturated outputs",
        "outputs are black or white, or full colours, where real images are not: {value:.0%} of "
        "their values more are at an end of the range (more than {threshold:.0%})",
        "The last layer is driven into its limits, where it has no gradient: a learning rate or a "
        "weight that is too large",
        "a lower optimizer.lr, optimizer.clip_norm = 1.0, and look at losses with large weights",
    ),
    Fault(
        "checkerboard",
        "checkerboard",
        3.0,
        2.5,
        "warning",
        "chequered pattern",
        "a pattern that repeats every 2 or 4 pixels lies over the outputs: {value:.1f} levels of "
        "255 stronger than in real images (more than {threshold:g})",
        "Transposed convolutions write their pixels in turns (Odena et al. 2016); early in a run "
        "it often goes away by itself",
        'generator.upsample = "nearest"',
    ),
    Fault(
        "discriminator_too_strong",
        "doubt",
        0.05,
        0.06,
        "warning",
        "discriminator too strong",
        "the discriminator makes hardly any mistake: its loss is {value:.1%} of that of one that "
        "guesses (less than {threshold:.0%})",
        "Where it is always right, and sure, it hardly tells the generator in which direction to "
        "improve",
        "a discriminator with less width or fewer layers, losses.gradient_penalty or losses.r1, or "
        "more images: with few it knows them by heart",
    ),
    Fault(
        "discriminator_too_weak",
        "doubt",
        2.0,
        1.8,
        "warning",
        "discriminator too weak",
        "the discriminator is worse than guessing: its loss is {value:.0%} of that of one that "
        "guesses (more than {threshold:.0%})",
        "It is deceived by what it should learn to see through, and so the generator is rewarded "
        "for tricks. Up to 100% a run is sound: what cannot be told from real "
        "images leads to guessing",
        "a discriminator with more width or layers, a larger optimizer.lr, a smaller weight of "
        "losses.adversarial",
    ),
    Fault(
        "one_sided",
        "one_sided",
        6.0,
        5.0,
        "warning",
        "one-sided",
        "the two directions are far apart: the larger of the two sides of this loss is {value:.1f} "
        "times the other (more than {threshold:g})",
        "One direction learns and the other is left behind, or one domain is much harder; 1000 "
        "stands for a loss that counts in one direction only",
        "compare the samples of both directions; see that both domains' folders hold what they "
        "should (gantrans check-data), and that a loss of your own gives both directions",
    ),
    Fault(
        "vanishing_gradient",
        "gradient",
        1e-7,
        2e-7,
        "warning",
        "vanishing gradient",
        "the network gets almost no gradient: {value:.1e} in the mean square root over its weights "
        "(less than {threshold:.0e}, ten times the epsilon of Adam)",
        "Its weights hardly move any more: a loss is flat there, or its weight is almost 0",
        'another objective (losses.adversarial.objective = "lsgan"), larger weights of losses, or '
        "a discriminator that is less sure",
    ),
    Fault(
        "exploding_gradient",
        "growth",
        20.0,
        10.0,
        "warning",
        "exploding gradient",
        "the gradient is {value:.0f} times as large as it used to be (more than {threshold:g})",
        "Training is about to diverge",
        "optimizer.clip_norm = 1.0, a lower optimizer.lr, or losses.gradient_penalty with "
        'objective = "wgan"',
    ),
)

NOT_FINITE = Fault(
    "not_finite",
    "",
    0.0,
    0.0,
    "fault",
    "not a number",
    "",
    "A number grew beyond what float32 holds, or was divided by zero",
    'optimizer.clip_norm = 1.0, a lower optimizer.lr, train.precision = "fp32"; look at the images '
    "that are named",
)
"""What is seen, the error itself says."""

NO_GRADIENT = Fault(
    "no_gradient",
    "",
    0.0,
    0.0,
    "fault",
    "no gradient",
    "",
    "The terms of these losses are cut off from what the network gives: they are detached or "
    "computed under no_grad, or do not depend on it. Without a gradient it stays as it began",
    "mend the loss, which gantrans check-plugin examines (gradient_reaches_the_generator), or add "
    "one that reaches the network",
)
"""The losses are named when it is seen; no number shows it, and no second look is needed."""

BY_NAME = {fault.name: fault for fault in (*FAULTS, NOT_FINITE, NO_GRADIENT)}
