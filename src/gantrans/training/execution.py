"""How the networks of a run are computed: precision, compilation, memory layout.

What `auto` means is decided here, by measurements: docs/explanation/performance.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gantrans.errors import UsageError
from gantrans.inference.compilation import cannot_compile, compile_network, running_compiled
from gantrans.inference.precision import Precision, autocast, products_in
from gantrans.spec.model import Train

AMPERE = (8, 0)
"""The first NVIDIA GPUs with TF32 and bfloat16."""


@dataclass(frozen=True)
class Execution:
    """The settings of a run, with `auto` decided for its device.

    Args:
        device: where the run is computed.
        precision: of the networks.
        compiled: whether torch compiles them.
        channels_last: whether a pixel's channels lie together in memory.
        notes: what the run says of this at its beginning.
    """

    device: torch.device
    precision: Precision
    compiled: bool
    channels_last: bool
    notes: tuple[str, ...] = ()

    def prepare(self, networks: Iterable[nn.Module]) -> None:
        """Lay out the networks, and have them compiled when they are first called.

        Copies that are made later would share what was compiled: make them before.
        """
        for network in networks:
            if self.channels_last:
                network.to(memory_format=torch.channels_last)
            if self.compiled:
                compile_network(network, self.device)

    def lay_out(self, images: Tensor) -> Tensor:
        """(N, C, H, W) as the networks want it in memory."""
        last = torch.channels_last if self.channels_last else torch.contiguous_format
        return images.contiguous(memory_format=last)

    @contextmanager
    def step(self) -> Iterator[None]:
        """Around a whole training step, backward included.

        Raises GantransError, instead of torch's own, if a network cannot be compiled.
        """
        if self.compiled and self.device.type == "cuda":
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        with (
            products_in(self.precision, tuned=True),
            running_compiled("set train.compile = false"),
        ):
            yield

    def forward(self) -> torch.autocast:
        """Around a forward pass."""
        return autocast(self.precision, self.device)


def choose(train: Train, device: torch.device) -> Execution:
    """What the spec's settings mean on `device`.

    Raises:
        UsageError: if the networks shall be compiled, and torch cannot compile here, or if their
            channels shall lie last on another device than CUDA.
    """
    notes: list[str] = []
    if train.precision != "fp32" and device.type == "cuda":
        if torch.cuda.get_device_capability(device) < AMPERE:
            notes.append(f"train.precision = {train.precision!r} gains nothing on a GPU this old")
    elif train.precision == "tf32":
        notes.append(f"train.precision = 'tf32' is for NVIDIA GPUs: on {device} it is 'fp32'")
    elif train.precision == "bf16" and device.type == "cpu":
        notes.append("train.precision = 'bf16' is slow on a CPU without instructions for it")
    # On a CPU it takes minutes and wins little. MPS has no CUDA graphs, which are half of it.
    compiled = device.type == "cuda" if train.compile == "auto" else train.compile
    if compiled and (reason := cannot_compile(device)):
        if train.compile is True:
            raise UsageError(f"torch cannot compile here ({reason}): set train.compile = false")
        notes.append(f"the networks are not compiled, which would be faster: {reason}")
        compiled = False
    if compiled:
        notes.append("the first steps take long: torch compiles the networks")
    # Not measured on CUDA yet. On a CPU torch 2.14 gets the gradient of a residual block with
    # instance norm before a transposed convolution wrong.
    channels_last = train.channels_last is True
    if channels_last and device.type != "cuda":
        raise UsageError(
            "train.channels_last = true is for CUDA: elsewhere torch can compute wrong gradients "
            "with it (seen on a CPU); take it out"
        )
    return Execution(device, train.precision, compiled, channels_last, tuple(notes))
