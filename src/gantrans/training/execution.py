"""How the networks of a run are computed: precision, compilation, memory layout.

What `auto` means is decided here, by measurements: docs/explanation/performance.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from gantrans.api.generator import Generator
from gantrans.errors import GantransError, UsageError
from gantrans.inference.precision import Precision, autocast, products_in
from gantrans.spec.model import Train

AMPERE = (8, 0)
"""The first NVIDIA GPUs with TF32 and bfloat16."""

BACKEND = "inductor"
"""What compiles."""

VARIANTS = 64
"""Most compiled forms of one function. Each network has one for every batch size and every choice
of what needs a gradient; torch's own limit is 8."""


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
                _compile(network, self.device)

    def lay_out(self, images: Tensor) -> Tensor:
        """(N, C, H, W) as the networks want it in memory."""
        if not self.channels_last:
            return images
        return images.contiguous(memory_format=torch.channels_last)

    @contextmanager
    def step(self) -> Iterator[None]:
        """Around a whole training step, backward included.

        Raises GantransError, instead of torch's own, if a network cannot be compiled.
        """
        if self.compiled and self.device.type == "cuda":
            torch.compiler.cudagraph_mark_step_begin()  # type: ignore[no-untyped-call]
        with products_in(self.precision, tuned=True):
            if not self.compiled:
                yield
                return
            from torch._dynamo.exc import TorchDynamoException

            try:
                yield
            except TorchDynamoException as error:
                raise GantransError(
                    f"torch cannot compile the networks: {_in_short(error)}; set train.compile = "
                    "false"
                ) from error

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
            notes.append(
                f"train.precision = {train.precision!r} gains nothing on {device}: too old"
            )
    elif train.precision == "tf32":
        notes.append(f"train.precision = 'tf32' is for NVIDIA GPUs: on {device} it is 'fp32'")
    # Measured to win nothing on a CPU, in minutes. MPS has no CUDA graphs, which are half of it.
    compiled = device.type == "cuda" if train.compile == "auto" else train.compile
    if compiled and (reason := _cannot_compile(device)):
        if train.compile is True:
            raise UsageError(f"torch cannot compile here ({reason}): set train.compile = false")
        notes.append(f"the networks are not compiled, which would be faster: {reason}")
        compiled = False
    if compiled:
        notes.append("the first steps take long: torch compiles the networks")
    # Measured to be slower on a CPU, where torch 2.14 also gets the gradient of a residual block
    # with instance norm wrong; not measured on CUDA yet.
    channels_last = train.channels_last is True
    if channels_last and device.type != "cuda":
        raise UsageError(
            f"train.channels_last = true is for CUDA: on {device} it is slower, and torch computes "
            "wrong gradients; take it out"
        )
    return Execution(device, train.precision, compiled, channels_last, tuple(notes))


def _compile(network: nn.Module, device: torch.device) -> None:
    """The network's forward pass, and of a generator those that give features too.

    Shapes are static in training; what evaluation does with others runs uncompiled (see in_use).
    """
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, VARIANTS)
    mode = "reduce-overhead" if device.type == "cuda" else None  # by CUDA graphs
    compiled = partial(torch.compile, backend=BACKEND, mode=mode, dynamic=False)
    network.compile(backend=BACKEND, mode=mode, dynamic=False)
    if isinstance(network, Generator) and network.encoder_layers():
        for name in ("encoder_features", "forward_with_features"):
            setattr(network, name, compiled(getattr(network, name)))


def _cannot_compile(device: torch.device) -> str:
    """Why a smallest of all functions cannot be compiled; nothing if it can."""
    try:
        torch.compile(_tripled, backend=BACKEND, dynamic=False)(torch.ones(8, device=device))
    except Exception as error:  # no compiler, no Triton, an old GPU, an unwritable cache, ...
        return _in_short(error)
    return ""


def _tripled(x: Tensor) -> Tensor:
    return 3 * x


def _in_short(error: Exception) -> str:
    """What torch says first: which part raised, and what. Its advice on debugging comes after."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]) or type(error).__name__
