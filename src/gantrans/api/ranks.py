"""The processes that train one run together: each, called a rank, has its share of every batch.

A component need not know of them: losses are means over a rank's images, and gradients means over
the ranks. Only what keeps images from step to step, as an image pool does, has to see those of all.
"""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor


def gathered(images: Tensor) -> Tensor:
    """The whole batch (N, C, H, W) of this rank's images (n, C, H, W); alone, the same tensor.

    All ranks have to ask, each with as many images. No gradient flows back.
    """
    if not several():
        return images
    mine = images.detach().contiguous()
    parts = [torch.empty_like(mine) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, mine)
    return torch.cat(parts)


def own_share(images: Tensor) -> Tensor:
    """This rank's images (n, C, H, W) of a whole batch (N, C, H, W); alone, the same tensor."""
    return images.chunk(dist.get_world_size())[dist.get_rank()] if several() else images


def several() -> bool:
    """Whether there is more than one rank."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1
