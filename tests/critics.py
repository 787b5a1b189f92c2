"""Discriminators so plain that what is said of their scores and gradients can be worked out."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from gantrans.api.step import TranslationStep


class Linear(nn.Module):
    """D(x) = <w, x>; for several w, given as (P, C, H, W), a map (N, 1, P, 1) of P such scores."""

    couples_batch = False

    def __init__(self, w: Tensor) -> None:
        super().__init__()
        self.w = nn.Parameter(w.clone())

    def forward(self, x: Tensor) -> Tensor:
        w = self.w if self.w.dim() == 4 else self.w[None]
        return (x[:, None] * w).sum((2, 3, 4))[:, None, :, None]


class Square(nn.Module):
    """D(x) = |x|^2 / 2, whose gradient is the image itself."""

    couples_batch = False

    def forward(self, x: Tensor) -> Tensor:
        return x.square().sum((1, 2, 3), keepdim=True) / 2


class Scales(nn.Module):
    """Several discriminators in one, each with a score map of its own."""

    couples_batch = False

    def __init__(self, *critics: nn.Module) -> None:
        super().__init__()
        self.critics = nn.ModuleList(critics)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [critic(x) for critic in self.critics]


def judged_by(a: Any, b: Any, **passes: dict[str, Tensor]) -> TranslationStep:
    """A step with discriminators `a` and `b`."""
    images: Any = passes
    return TranslationStep(images, {"a": a, "b": b})
