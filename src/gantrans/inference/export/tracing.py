"""From a generator to its graph of operations, for any number and size of images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.fx.experimental._config as symbolic_sizes
from torch import Tensor
from torch.export import Dim, ExportedProgram
from torch.overrides import TorchFunctionMode

from gantrans.api.generator import Generator
from gantrans.errors import GantransError
from gantrans.inference.export.any_size import AnySize
from gantrans.inference.export.quiet import quiet

DYNAMIC = ({0: Dim("batch", min=1), 2: Dim("height", min=1), 3: Dim("width", min=1)},)
"""Which sides of the input may have any size, and what they are called."""

ADVICE = (
    "what it does must not depend on an image's values, and on its size only as the shapes of "
    "tensors do"
)
"""What to do about a generator that has no such graph."""


def trace(generator: Generator) -> ExportedProgram:
    """The graph of `AnySize(generator)`, with its weights, for the CPU.

    Args:
        generator: on the CPU, in evaluation mode.

    Raises:
        GantransError: naming the generator and the reason, if it has no graph that holds for every
            size.
    """
    some = 64 + generator.min_size
    example = torch.zeros(2, generator.in_channels, some + 1, some + 3)  # no two sides are alike
    # Without the setting, a size that may become 1 inside of a network would be taken for another.
    sizes_may_be_1 = symbolic_sizes.patch(backed_size_oblivious=True)  # type: ignore[attr-defined]
    with refused(generator, ADVICE), sizes_may_be_1, _SymbolicLinspace():
        program = torch.export.export(
            AnySize(generator).eval(), (example,), dynamic_shapes=DYNAMIC, strict=False
        )
    program.example_inputs = None  # it would be saved, pickled
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # names folders of this machine
    return program


@contextmanager
def refused(generator: Generator, advice: str) -> Iterator[None]:
    """Around what makes a graph: silence, and one message for whatever is raised.

    Raises:
        GantransError: instead of anything else; `advice` says what to do.
    """
    try:
        with quiet():
            yield
    except Exception as error:  # anyone's network, and torch raises many kinds
        raise GantransError(
            f"the generator {generator.name!r} cannot be exported: {in_short(error)}; {advice}"
        ) from error


def in_short(error: BaseException) -> str:
    """The first reason: what was raised first, in its first two lines."""
    while error.__cause__:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]) or type(error).__name__


class _SymbolicLinspace(TorchFunctionMode):
    """`torch.linspace` for a number of steps that depends on the image's size.

    torch's own would be recorded for the size of the example alone; transformers use it for the
    places of their tokens.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return (_linspace if func is torch.linspace else func)(*args, **(kwargs or {}))


def _linspace(start: float, end: float, steps: Any, **how: Any) -> Tensor:
    if isinstance(steps, int):
        return torch.linspace(start, end, steps, **how)
    intervals = torch.sym_max(steps - 1, 1)
    places: Tensor = torch.arange(steps, **how) / intervals
    return start + (end - start) * places
