"""Compiled networks: fused by torch, for one shape of images at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch._dynamo.exc import TorchDynamoException

from gantrans.api.generator import Generator
from gantrans.errors import GantransError

BACKEND = "inductor"
"""What compiles."""

WORDS = ("does not currently support double backward", "CUDAGraphs", "cudagraph")
"""By which one knows what compiled networks raise when they run, as bare RuntimeErrors."""

VARIANTS = 64
"""Most compiled forms of one function. Each network has one for every batch size and every choice
of what needs a gradient; torch's own limit is 8."""


def compile_network(network: nn.Module, device: torch.device) -> None:
    """Have its forward pass compiled when it is first called, and for each further shape anew.

    Of a generator, those that give features too. Copies of the network that are made later would
    share what was compiled: make them before.
    """
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, VARIANTS)
    mode = "reduce-overhead" if device.type == "cuda" else None  # by CUDA graphs
    network.compile(backend=BACKEND, mode=mode, dynamic=False)
    if isinstance(network, Generator) and network.encoder_layers():
        for name in ("encoder_features", "forward_with_features"):
            function = getattr(network, name)
            compiled = torch.compile(function, backend=BACKEND, mode=mode, dynamic=False)
            setattr(network, name, compiled)


def cannot_compile(device: torch.device) -> str:
    """Why a smallest of all functions cannot be compiled; nothing if it can."""
    try:
        torch.compile(_tripled, backend=BACKEND, dynamic=False)(torch.ones(8, device=device))
    except Exception as error:  # no compiler, no Triton, an old GPU, an unwritable cache, ...
        return _in_short(error)
    return ""


@contextmanager
def running_compiled(way_out: str) -> Iterator[None]:
    """Around calls of compiled networks.

    Raises:
        GantransError: instead of torch's own, if a network cannot be compiled; `way_out` says what
            to do.
    """
    try:
        yield
    except RuntimeError as error:  # what TorchDynamoException is too
        if not (isinstance(error, TorchDynamoException) or any(w in str(error) for w in WORDS)):
            raise
        raise GantransError(
            f"torch cannot compile the networks: {_in_short(error)}; {way_out}"
        ) from error


def _tripled(x: Tensor) -> Tensor:
    return 3 * x


def _in_short(error: Exception) -> str:
    """Which part raised, and what; torch's advice on debugging comes after."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]) or type(error).__name__
