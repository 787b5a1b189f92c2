"""CycleGAN (Zhu et al. 2017): two generators, two discriminators, trained together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pydantic import Field
from torch import Tensor

from gantrans.api.method import Batch, Method, MethodConfig, Parts, Phase, PhaseResult
from gantrans.api.network import translate
from gantrans.api.step import DOMAINS, Images, TranslationStep
from gantrans.builtins.methods.image_pool import ImagePool


class CycleGAN(Method):
    """Two generators and two discriminators, held together by cycles (Zhu et al. 2017).

    A step: the generators on all their losses, then both discriminators, each on the real images
    of its domain and on translations from its image pool.
    """

    name = "cyclegan"
    provides = {"fake", "cycle", "identity", "source", "truth"}

    class Config(MethodConfig):
        """Settings."""

        pool_size: int = Field(
            50, ge=0, description="translations of each domain kept for the discriminator; 0: none"
        )

    config: Config

    def __init__(self, config: Config, *, parts: Parts) -> None:
        super().__init__(config, parts=parts)
        self.g_ab = parts.make_generator("generator_ab", "a", "b")
        self.g_ba = parts.make_generator("generator_ba", "b", "a")
        self.d_a = parts.make_discriminator("discriminator_a", "a")
        self.d_b = parts.make_discriminator("discriminator_b", "b")
        self.pools = {d: ImagePool(config.pool_size, parts.seed, d) for d in DOMAINS}
        self.networks = {
            "generator_ab": self.g_ab,
            "generator_ba": self.g_ba,
            "discriminator_a": self.d_a,
            "discriminator_b": self.d_b,
        }
        self.generators = {"ab": self.g_ab, "ba": self.g_ba}
        self.phases = [GeneratorPhase(self), DiscriminatorPhase(self)]

    def state(self) -> dict[str, Tensor]:
        """The image pools."""
        return {f"image_pool_{domain}": pool.state() for domain, pool in self.pools.items()}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take the image pools back."""
        for domain, pool in self.pools.items():
            pool.load_state(state[f"image_pool_{domain}"])


class GeneratorPhase(Phase):
    """Both generators on all their losses; the discriminators are frozen."""

    def __init__(self, method: CycleGAN) -> None:
        trains = {name: method.networks[name] for name in ("generator_ab", "generator_ba")}
        super().__init__("generators", trains)
        self.g_ab, self.g_ba = method.g_ab, method.g_ba
        self.d_a, self.d_b = method.d_a, method.d_b
        self.losses = method.parts.losses

    def forward(self, batch: Batch) -> PhaseResult:
        """The passes that the active losses read, and their terms."""
        needs = self.losses.requires(batch.active)
        a, b = batch.real["a"], batch.real["b"]
        passes: dict[str, Images] = {"real": batch.real, "source": {"a": b, "b": a}}
        if batch.paired:
            passes["truth"] = batch.real

        if "identity" in needs:
            # One generator's translation and identity are one batch: same results, fewer calls.
            fake_b, same_b = translate(self.g_ab, a, b)
            fake_a, same_a = translate(self.g_ba, b, a)
            passes["identity"] = {"a": same_a, "b": same_b}
        else:
            [fake_b], [fake_a] = translate(self.g_ab, a), translate(self.g_ba, b)
        passes["fake"] = {"a": fake_a, "b": fake_b}  # at every step: the image pools count on it
        if "cycle" in needs:
            [back_a] = translate(self.g_ba, fake_b, update_statistics=False)
            [back_b] = translate(self.g_ab, fake_a, update_statistics=False)
            passes["cycle"] = {"a": back_a, "b": back_b}

        step = TranslationStep(passes, {"a": self.d_a, "b": self.d_b})
        terms = self.losses.terms("generator", step, batch.active)
        return PhaseResult(terms, fake={"a": fake_a.detach(), "b": fake_b.detach()})


class DiscriminatorPhase(Phase):
    """Both discriminators, each on real images and on what its pool gives."""

    def __init__(self, method: CycleGAN) -> None:
        trains = {name: method.networks[name] for name in ("discriminator_a", "discriminator_b")}
        super().__init__("discriminators", trains)
        self.d_a, self.d_b = method.d_a, method.d_b
        self.losses = method.parts.losses
        self.pools = method.pools

    def prepare(self, batch: Batch) -> Batch:
        """Exchange the new translations with the pools."""
        pooled = {d: self.pools[d].exchange(fake, batch.ordinal) for d, fake in batch.fake.items()}
        return replace(batch, fake=pooled)

    def forward(self, batch: Batch) -> PhaseResult:
        """The discriminators' terms on real and pooled images."""
        passes = {"real": batch.real, "fake": batch.fake}
        step = TranslationStep(passes, {"a": self.d_a, "b": self.d_b})
        return PhaseResult(self.losses.terms("discriminator", step, batch.active))
