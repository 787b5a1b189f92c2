"""Activation checkpointing: less memory for gradients, for more time (Chen et al. 2016)."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint


def recomputed(block: nn.Module, x: Tensor, wanted: bool) -> Tensor:
    """`block(x)`; if `wanted`, only `x` is kept for the gradient, and the block is run again there.

    The second run draws the same random numbers as the first, so dropout is the same. Where no
    gradient is computed there is nothing to keep, and nothing is run twice.

    Args:
        block: from one tensor to one; one of those that `may_run_twice`.
        x: what it gets; nothing may write into it.
        wanted: such as `self.recompute` of a generator.
    """
    if not (wanted and torch.is_grad_enabled()):
        plain: Tensor = block(x)
        return plain
    y: Tensor = checkpoint(block, x, use_reentrant=False)
    return y


def may_run_twice(blocks: Iterable[nn.Module]) -> bool:
    """Whether the second run of a block changes nothing: no buffer, such as the running statistics
    of batch norm, remembers the first."""
    return not any(True for block in blocks for _ in block.buffers())
