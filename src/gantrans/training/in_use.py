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

    So looking at a network never changes it. Afterwards each is in the mode that it was in.
    Compiled networks run uncompiled, for each new size of an image would be compiled for a minute.
    """
    before = [(network, network.training) for network in networks]
    try:
        for network, _ in before:
            network.eval()
        with (
            torch.inference_mode(),
            torch.compiler.set_stance("force_eager"),
            products_in("fp32"),  # as `gantrans translate` computes, whatever training does
        ):
            yield
    finally:
        for network, training in before:
            network.train(training)
