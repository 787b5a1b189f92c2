"""CycleGAN straight from its formulas: the truth that tests compare with, and a yardstick of speed.

One pass after another, in the order of the papers' code: generators with the discriminators frozen,
then each discriminator apart. It shares with gantrans the networks that it is given and the draws
of the image pool, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gantrans.api.randomness import stream


class PlainPool:
    """A list of images (Shrivastava et al. 2017): once full, half the new images are swapped in."""

    def __init__(self, size: int, seed: int, domain: str) -> None:
        self.size, self.seed, self.domain = size, seed, domain
        self.images: list[Tensor] = []
        self.seen = 0

    def query(self, images: Tensor) -> Tensor:
        given = []
        for image in images:
            draw = stream(self.seed, "pool", self.domain, self.seen)
            self.seen += 1
            if len(self.images) < self.size:
                self.images.append(image)
                given.append(image)
            elif self.size and draw.random() < 0.5:
                place = draw.randrange(self.size)
                given.append(self.images[place])
                self.images[place] = image
            else:
                given.append(image)
        return torch.stack(given)


class PlainCycleGAN:
    """Two generators, two discriminators and their optimizers.

    Args:
        networks: G_ab, G_ba, D_a and D_b; the discriminators give one score a patch.
        average: compare the mean of an image's patch scores instead of each.
        objective: lsgan, vanilla or hinge.
        cycle, identity: weights; 0 leaves the identity passes out.
        rate, betas: Adam's.
        pool_size, seed: of the image pools.
    """

    def __init__(
        self,
        networks: Sequence[nn.Module],
        *,
        average: bool = False,
        objective: str = "lsgan",
        cycle: float = 10.0,
        identity: float = 5.0,
        rate: float = 2e-4,
        betas: tuple[float, float] = (0.5, 0.999),
        pool_size: int = 50,
        seed: int = 0,
    ) -> None:
        self.g_ab, self.g_ba, self.d_a, self.d_b = networks
        self.average, self.objective = average, objective
        self.cycle, self.identity = cycle, identity
        self.pool_a = PlainPool(pool_size, seed, "a")
        self.pool_b = PlainPool(pool_size, seed, "b")
        generators = [*self.g_ab.parameters(), *self.g_ba.parameters()]
        self.judges = [*self.d_a.parameters(), *self.d_b.parameters()]
        self.optimizer_g = torch.optim.Adam(generators, lr=rate, betas=betas)
        self.optimizer_d = torch.optim.Adam(self.judges, lr=rate, betas=betas)

    def step(self, a: Tensor, b: Tensor) -> dict[str, Tensor]:
        """Train on one batch; the unweighted terms, named like the curves of gantrans."""
        for weight in self.judges:
            weight.requires_grad_(False)
        fake_b = self.g_ab(a)
        back_a = self.g_ba(fake_b)
        fake_a = self.g_ba(b)
        back_b = self.g_ab(fake_a)
        persuade_b = self.persuade(self.d_b(fake_b))
        persuade_a = self.persuade(self.d_a(fake_a))
        cycle_a = (back_a - a).abs().mean()
        cycle_b = (back_b - b).abs().mean()
        objective = persuade_b + persuade_a + self.cycle * (cycle_a + cycle_b)
        terms = {
            "generators/adversarial/a->b": persuade_b,
            "generators/adversarial/b->a": persuade_a,
            "generators/cycle/a": cycle_a,
            "generators/cycle/b": cycle_b,
        }
        if self.identity:
            same_b = (self.g_ab(b) - b).abs().mean()
            same_a = (self.g_ba(a) - a).abs().mean()
            objective = objective + self.identity * (same_a + same_b)
            terms |= {"generators/identity/a": same_a, "generators/identity/b": same_b}
        self.optimizer_g.zero_grad()
        objective.backward()
        self.optimizer_g.step()

        for weight in self.judges:
            weight.requires_grad_(True)
        self.optimizer_d.zero_grad()
        for domain, judge, real, fake in (
            ("a", self.d_a, a, self.pool_a.query(fake_a.detach())),
            ("b", self.d_b, b, self.pool_b.query(fake_b.detach())),
        ):
            loss = 0.5 * (self.error_on_real(judge(real)) + self.error_on_fake(judge(fake)))
            loss.backward()
            terms[f"discriminators/adversarial/{domain}"] = loss
        self.optimizer_d.step()
        return {curve: term.detach() for curve, term in terms.items()}

    def persuade(self, scores: Tensor) -> Tensor:
        """What the generator minimises of the scores of its translations."""
        return (
            -self._compared(scores).mean()
            if self.objective == "hinge"
            else (self.error_on_real(scores))
        )

    def error_on_real(self, scores: Tensor) -> Tensor:
        scores = self._compared(scores)
        if self.objective == "lsgan":
            return ((scores - 1) ** 2).mean()
        if self.objective == "vanilla":
            return -torch.log(torch.sigmoid(scores)).mean()
        return torch.clamp(1 - scores, min=0).mean()

    def error_on_fake(self, scores: Tensor) -> Tensor:
        scores = self._compared(scores)
        if self.objective == "lsgan":
            return (scores**2).mean()
        if self.objective == "vanilla":
            return -torch.log(1 - torch.sigmoid(scores)).mean()
        return torch.clamp(1 + scores, min=0).mean()

    def _compared(self, scores: Tensor) -> Tensor:
        return scores.mean(dim=(1, 2, 3)) if self.average else scores
