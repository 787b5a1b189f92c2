"""Networks as they are in use, in the midst of training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from gantrans.inference.precision import products_in


@contextmanager
def in_use(networks: Iterable[nn.Module]) -> Iterator[None]:
    """In evaluation mode and without gradients: no dropout, and no statistics are gathered.

    So looking at a network never changes it. Afterwards each of its parts is in the mode that it
    was in: a plugin may keep one of them in evaluation mode while it trains.
    Compiled networks run uncompiled, for each new size of an image would be compiled for a minute.
    """
    parts = [part for network in networks for part in network.modules()]
    before = [(part, part.training) for part in parts]
    try:
        for part, _ in before:
            part.training = False
        with (
            torch.inference_mode(),
            torch.compiler.set_stance("force_eager"),
            products_in("fp32"),  # as `gantrans translate` computes, whatever training does
        ):
            yield
    finally:
        for part, training in before:
            part.training = training
