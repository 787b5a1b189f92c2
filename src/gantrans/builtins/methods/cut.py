"""CUT (Park et al. 2020): one way, without a way back; patches keep their place instead."""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor

from gantrans.api.method import Batch, Method, MethodConfig, Parts, Phase, PhaseResult
from gantrans.api.network import encode, translate_and_encode
from gantrans.api.randomness import stream
from gantrans.api.step import ENDS, Features, Images, TranslationStep
from gantrans.builtins.methods.one_way import DiscriminatorPhase, Way, one_of_each

FEATURES = {"fake": "features", "identity": "identity_features"}
"""Of what is made, the name under which a loss reads the features."""


class CUT(Method):
    """One generator and one discriminator; a patch stays what it was (Park et al. 2020).

    L_GAN(G, D, X, Y) + lambda_X L_PatchNCE(G, H, X) + lambda_Y L_PatchNCE(G, H, Y) (equation 5).
    The encoder of the generator itself says what a patch is: features of the translation at a place
    shall resemble those of the input there, and no other place's. The terms are the losses
    `adversarial` and `patch_nce`, which owns the head H.

    FastCUT is the method's preset "fastcut" with the loss's: no L_PatchNCE on Y, ten times that on
    X, and half of the inputs mirrored (flip equivariance).

    A step: generator and head together, then the discriminator on the same translations. There is
    no image pool, as in the authors' code.
    """

    name = "cut"
    provides = {"fake", "identity", "source", "truth", "features", "identity_features"}
    presets = {"cut": {}, "fastcut": {"flip_equivariance": True}}

    class Config(MethodConfig):
        """Settings."""

        direction: Way = "ab"
        flip_equivariance: bool = Field(
            False,
            description="in half of the steps the input is mirrored; its translation, mirrored "
            "back, is then compared with the input as it was",
        )

    config: Config

    def __init__(self, config: Config, *, parts: Parts) -> None:
        super().__init__(config, parts=parts)
        self.source, self.target = ENDS[config.direction]
        self.g, self.d, self.networks = one_of_each(parts, config.direction)
        self.generators = {config.direction: self.g}
        self.phases = [
            GeneratorPhase(self),
            DiscriminatorPhase(self.d, self.target, parts.losses),
        ]


class GeneratorPhase(Phase):
    """The generator on all its losses; the discriminator is frozen."""

    def __init__(self, method: CUT) -> None:
        way = method.config.direction
        super().__init__("generator", {f"generator_{way}": method.g})
        self.g, self.d = method.g, method.d
        self.source, self.target = method.source, method.target
        self.losses, self.seed = method.parts.losses, method.parts.seed
        self.flip_equivariance = method.config.flip_equivariance

    def forward(self, batch: Batch) -> PhaseResult:
        """G(x), and G(y) where a loss reads it; what the encoder sees in them; the terms."""
        needs = self.losses.requires(batch.active)
        layers = self.losses.encoder_layers(batch.active)
        x, y = batch.real[self.source], batch.real[self.target]
        mirrored = "features" in needs and self._mirrored(batch)

        inputs = {"fake": x.flip(-1) if mirrored else x}
        if needs & {"identity", "identity_features"}:
            inputs["identity"] = y
        # What goes in is encoded on its way to the output; a mirrored x is not compared.
        on_the_way = () if mirrored and "identity" not in inputs else layers
        made = translate_and_encode(self.g, on_the_way, *inputs.values())
        outputs = {name: image for name, (image, _) in zip(inputs, made, strict=True)}
        before = {n: _fixed(features) for n, (_, features) in zip(inputs, made, strict=True)}
        # What comes out has to be shown to the encoder.
        read = [name for name in outputs if FEATURES[name] in needs]
        seen = encode(self.g, layers, *(outputs[name] for name in read)) if read else []
        after = dict(zip(read, seen, strict=True))
        if mirrored:
            outputs["fake"] = outputs["fake"].flip(-1)
            after["fake"] = {layer: f.flip(-1) for layer, f in after["fake"].items()}
            with torch.no_grad():
                [before["fake"]] = encode(self.g, layers, x)

        passes = {"real": batch.real, "source": self._here(x)}
        passes |= {"truth": self._here(y)} if batch.paired else {}
        passes |= {name: self._here(image) for name, image in outputs.items()}
        pairs = {FEATURES[name]: {self.target: (after[name], before[name])} for name in read}
        step = TranslationStep(passes, {self.target: self.d}, pairs=pairs)
        terms = self.losses.terms("generator", step, batch.active)
        return PhaseResult(terms, fake=self._here(outputs["fake"].detach()))

    def _mirrored(self, batch: Batch) -> bool:
        draw = stream(self.seed, "flip equivariance", batch.ordinal)
        return self.flip_equivariance and draw.random() < 0.5

    def _here(self, images: Tensor) -> Images:
        return {self.target: images}


def _fixed(features: Features) -> Features:
    """What a translation is compared with is no place for it to change."""
    return {layer: one.detach() for layer, one in features.items()}
