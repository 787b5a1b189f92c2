"""Names, shapes and types of a network's tensors, compared with those of a weights file.

The network is built on the device "meta" and of the file only the header is read: whatever either
says, next to no memory is taken.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from gantrans.inference.header import unreadable

SPARE_PARAMETERS = 1000
"""Parameters that a network may make beyond ten times the tensors of its file, to replace some."""


@dataclass(frozen=True)
class TensorShape:
    """Shape and kind of one tensor.

    Args:
        shape: lengths of its sides.
        kind: "floating-point numbers", "complex numbers" or "integers".
    """

    shape: tuple[int, ...]
    kind: str


class TooManyParametersError(Exception):
    """A network makes more parameters than its file can hold."""


def stored_shapes(path: Path) -> dict[str, TensorShape]:
    """Read from the header of a safetensors file the shape of each tensor, by name.

    Raises CheckpointError if it cannot be read.
    """
    try:
        with safe_open(path, framework="np") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
            return {
                name: TensorShape(tuple(part.get_shape()), _kind_of_stored(part.get_dtype()))
                for name, part in slices.items()
            }
    except (OSError, SafetensorError) as error:
        raise unreadable(path, error) from None


def misfit(path: Path, build: Callable[[], nn.Module]) -> str:
    """Compare the network that `build` makes with the tensors of a weights file.

    Args:
        path: the file.
        build: makes the network, here on the device "meta".

    Returns:
        The first difference, or why there is no such network, in words; empty if all tensors of
        both have the same names and shapes and are of the same kind of numbers.

    Raises:
        CheckpointError: if the file cannot be read.
    """
    found = stored_shapes(path)
    try:
        with torch.device("meta"), _limited_parameters(10 * len(found) + SPARE_PARAMETERS):
            network = build()
    except TooManyParametersError:
        return f"it has {len(found)} tensors, which are far too few"
    except Exception as error:  # anyone's component, with whatever numbers the file has
        reason = str(error).partition("\n")[0]  # below it, torch lists its stack in C++
        return f"it cannot be built as the header says: {type(error).__name__}: {reason}"
    expected = {name: _shape_of(tensor) for name, tensor in network.state_dict().items()}
    for name, wanted in expected.items():
        if name not in found:
            return f"the tensor {name!r} is missing"
        there = found[name]
        if there.shape != wanted.shape:
            return f"the tensor {name!r} has the shape {there.shape}, expected {wanted.shape}"
        if there.kind != wanted.kind:
            return f"the tensor {name!r} holds {there.kind}, expected {wanted.kind}"
    unexpected = next((name for name in found if name not in expected), None)
    return f"the tensor {unexpected!r} is unexpected" if unexpected else ""


@contextmanager
def _limited_parameters(most: int) -> Iterator[None]:
    """End the making of a network at parameter `most`: a header may ask for 10^9 layers."""
    made, thread = 0, threading.get_ident()

    def count(module: nn.Module, name: str, parameter: nn.Parameter) -> None:
        nonlocal made
        if threading.get_ident() == thread:  # the hook is called in every thread
            made += 1
            if made > most:
                raise TooManyParametersError

    handle = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        handle.remove()


def _shape_of(tensor: Tensor) -> TensorShape:
    if tensor.is_complex():
        kind = "complex numbers"
    else:
        kind = "floating-point numbers" if tensor.is_floating_point() else "integers"
    return TensorShape(tuple(tensor.shape), kind)


def _kind_of_stored(dtype: str) -> str:
    """The kind of a dtype of safetensors, such as "F32", "BF16", "C64", "I8" or "BOOL"."""
    if dtype.startswith("C"):
        return "complex numbers"
    return "floating-point numbers" if dtype.startswith(("F", "BF")) else "integers"
