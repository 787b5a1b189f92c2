"""Looking on while a network computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


@contextmanager
def watched(network: nn.Module, look: Callable[[float], None]) -> Iterator[None]:
    """Have `look` told, before each layer, which share of the layers has been computed.

    What it raises ends the pass. Networks that are traced are left alone: no image is in them.
    """
    layers = [module for module in network.modules() if not any(module.children())]
    begun = 0

    def before(module: nn.Module, inputs: Any) -> None:
        nonlocal begun
        if torch.compiler.is_compiling():
            return
        look(min(begun / len(layers), 1))
        begun += 1

    handles = [layer.register_forward_pre_hook(before) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
