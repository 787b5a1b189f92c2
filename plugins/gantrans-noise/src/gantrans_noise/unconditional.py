"""The method `unconditional`: a generator that makes images of one domain from noise."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from gantrans.api.method import Batch, Method, MethodConfig, Parts, Phase, PhaseResult
from gantrans.api.randomness import derived_seed
from gantrans.api.step import Domain, TranslationStep
from gantrans_noise.generator import StyleGenerator
from gantrans_noise.latents import draw_latents
from gantrans_noise.style_mixing import mix_styles

SHEET = "from noise"


class Unconditional(Method):
    """Images of one domain from noise: StyleGAN2, small but whole (Karras et al. 2020).

    A step: the generator on images that it made of new z, then the discriminator on the same images
    and on real ones. It does not translate.
    """

    name = "unconditional"
    provides = {"fake"}

    class Config(MethodConfig):
        """Settings."""

        domain: Domain = Field("a", description="whose images it learns to make; others are unread")
        size: int = Field(
            32,
            ge=8,
            description="side of the images, in pixels: a power of two; data.transform "
            "has to give such images",
        )
        latent: int = Field(128, ge=1, description="width of z and of w")
        width: int = Field(
            32, ge=1, description="channels at full size; twice as many at half the size, and so on"
        )
        max_width: int = Field(256, ge=1, description="no layer has more channels")
        mapping_layers: int = Field(8, ge=1, le=256, description="layers of the mapping network")
        style_mixing: float = Field(
            0.9, ge=0, le=1, description="share of the training images that get the styles of two z"
        )

        @field_validator("size")
        @classmethod
        def _power_of_two(cls, size: int) -> int:
            if size.bit_count() != 1:
                lower = 1 << (size.bit_length() - 1)
                raise ValueError(f"a power of two is needed, such as {lower} or {2 * lower}")
            return size

        @property
        def domains(self) -> tuple[Domain, ...]:
            """The only one."""
            return (self.domain,)

        @property
        def side(self) -> int:
            """Real images are as large as those that it makes."""
            return self.size

        def make_generator(self, channels: int) -> StyleGenerator:
            """A generator of images with so many channels."""
            return StyleGenerator(
                channels,
                size=self.size,
                latent=self.latent,
                width=self.width,
                max_width=self.max_width,
                mapping_layers=self.mapping_layers,
            )

    config: Config

    def __init__(self, config: Config, *, parts: Parts) -> None:
        super().__init__(config, parts=parts)
        self.generator = config.make_generator(parts.channels[config.domain])
        self.discriminator = parts.make_discriminator("discriminator", config.domain)
        self.networks = {"generator": self.generator, "discriminator": self.discriminator}
        self.generators = {}
        self.phases = [GeneratorPhase(self), DiscriminatorPhase(self)]

    @property
    def averaged(self) -> Collection[str]:
        """The generator: its running mean makes better images than its newest weights."""
        return ["generator"]

    def sheets(self, networks: Mapping[str, nn.Module], count: int) -> Mapping[str, Tensor]:
        """The same z and the same noise at every look."""
        generator = networks["generator"]
        assert isinstance(generator, StyleGenerator)
        seed = derived_seed(self.parts.seed, "sheet")
        latents = draw_latents(generator, seed, range(count))
        return {SHEET: generator(latents.z, noise=latents.noise)}


class GeneratorPhase(Phase):
    """The generator on images that it makes of new z; the discriminator is frozen."""

    def __init__(self, method: Unconditional) -> None:
        super().__init__("generator", {"generator": method.generator})
        self.config, self.losses = method.config, method.parts.losses
        self.generator, self.discriminator = method.generator, method.discriminator

    def forward(self, batch: Batch) -> PhaseResult:
        """New images, and the generator's terms on them."""
        domain = self.config.domain
        real = batch.real[domain]
        z = torch.randn(2, len(real), self.config.latent, device=real.device)
        w = self.generator.mapping(z[0])
        other = self.generator.mapping(z[1]) if self.config.style_mixing else w
        self.generator.take_in(w)
        styles = mix_styles(w, other, self.generator.styles, self.config.style_mixing)
        fake = self.generator.synthesis(styles)

        passes = {"real": batch.real, "fake": {domain: fake}}
        step = TranslationStep(passes, {domain: self.discriminator})
        terms = self.losses.terms("generator", step, batch.active)
        return PhaseResult(terms, fake={domain: fake.detach()})


class DiscriminatorPhase(Phase):
    """The discriminator on real images and on those of the generator's phase."""

    def __init__(self, method: Unconditional) -> None:
        super().__init__("discriminator", {"discriminator": method.discriminator})
        self.domain, self.losses = method.config.domain, method.parts.losses
        self.discriminator = method.discriminator

    def forward(self, batch: Batch) -> PhaseResult:
        """The discriminator's terms."""
        passes = {"real": batch.real, "fake": batch.fake}
        step = TranslationStep(passes, {self.domain: self.discriminator})
        return PhaseResult(self.losses.terms("discriminator", step, batch.active))
