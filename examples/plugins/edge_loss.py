"""A loss in one file: a translation keeps the edges of the image that it was made from."""

import torch
import torch.nn.functional as F

import gantrans


class Edges(gantrans.Loss):
    """Mean difference between the edges of an image and those of its translation."""

    name = "edges"
    requires = {"fake", "source"}

    def generator(self, step: gantrans.TranslationStep) -> dict[str, torch.Tensor]:
        """One term for each domain that is translated to."""
        return {d: F.l1_loss(edges(x), edges(step.source[d])) for d, x in step.fake.items()}


def edges(images: torch.Tensor) -> torch.Tensor:
    """(N, C, H, W) -> (N, 2, H - 1, W - 1): how brightness changes to the right and downwards."""
    gray = images.mean(dim=1, keepdim=True)
    here, right, below = gray[..., :-1, :-1], gray[..., :-1, 1:], gray[..., 1:, :-1]
    return torch.cat([(right - here).abs(), (below - here).abs()], dim=1)
