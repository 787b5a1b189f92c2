"""pix2pix (Isola et al. 2017): from pairs, with a discriminator that sees the input too."""

from __future__ import annotations

from torch import Tensor

from gantrans.api.method import Batch, Method, MethodConfig, Parts, Phase, PhaseResult
from gantrans.api.network import translate
from gantrans.api.step import ENDS, Images, TranslationStep
from gantrans.builtins.methods.one_way import DiscriminatorPhase, Way, one_of_each


class Pix2Pix(Method):
    """One generator and one conditional discriminator, trained on pairs (Isola et al. 2017).

    G* = arg min_G max_D L_cGAN(G, D) + lambda L_L1(G) (equation 4): D judges y beside the x it
    belongs to, so a translation has to be likely, and likely for this input. The terms are the
    losses `adversarial` (vanilla) and `l1` (weight 100).

    A step: the generator, then the discriminator on the same translations. Dropout in the generator
    (section 3.1) is for training; in use it is off, so an input always gives the same image.
    """

    name = "pix2pix"
    provides = {"fake", "source", "truth"}

    class Config(MethodConfig):
        """Settings."""

        direction: Way = "ab"

        @property
        def needs_pairs(self) -> bool:
            """It learns from pairs."""
            return True

    config: Config

    def __init__(self, config: Config, *, parts: Parts) -> None:
        super().__init__(config, parts=parts)
        self.source, self.target = ENDS[config.direction]
        self.g, self.d, self.networks = one_of_each(parts, config.direction, conditional=True)
        self.generators = {config.direction: self.g}
        self.phases = [
            GeneratorPhase(self),
            DiscriminatorPhase(self.d, self.target, parts.losses, given=self.source),
        ]


class GeneratorPhase(Phase):
    """The generator on all its losses; the discriminator is frozen."""

    def __init__(self, method: Pix2Pix) -> None:
        way = method.config.direction
        super().__init__("generator", {f"generator_{way}": method.g})
        self.g, self.d = method.g, method.d
        self.source, self.target = method.source, method.target
        self.losses = method.parts.losses

    def forward(self, batch: Batch) -> PhaseResult:
        """G(x) beside its x and its y, and the terms."""
        x, y = batch.real[self.source], batch.real[self.target]
        [fake] = translate(self.g, x)
        passes: dict[str, Images] = {
            "real": batch.real,
            "source": self._here(x),
            "truth": self._here(y),
            "fake": self._here(fake),
        }
        step = TranslationStep(passes, {self.target: self.d}, conditions=self._here(x))
        terms = self.losses.terms("generator", step, batch.active)
        return PhaseResult(terms, fake=self._here(fake.detach()))

    def _here(self, images: Tensor) -> Images:
        return {self.target: images}
