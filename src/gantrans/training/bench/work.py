"""Where the time of a step goes: by the kind of work, and by phase."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from gantrans.training.machine import now
from gantrans.training.step import TrainingStep

ELSE = "everything else"
_KINDS = (
    # The first kind that has a piece of a name; names are of operations, or of a GPU's kernels.
    (
        "copies",
        ("copy", "memcpy", "nchwto", "nhwcto", "memset", "clone", "contiguous", "aten::cat"),
    ),
    ("normalisation", ("norm", "bn_fw", "bn_bw", "triton_red", "triton_per", "welford")),
    ("padding", ("reflection_pad", "reflectionpad", "replication_pad", "constant_pad")),
    ("optimizer", ("adam", "optimizer", "multi_tensor", "foreach")),
    ("convolutions", ("conv", "fprop", "dgrad", "wgrad", "implicit", "winograd", "xmma")),
    (
        "products of matrices",
        ("aten::mm", "addmm", "bmm", "linear", "gemm", "cutlass", "attention"),
    ),
    (
        "activations and sums",
        (
            *("relu", "threshold", "clamp", "tanh", "sigmoid", "gelu", "elementwise", "triton_poi"),
            *("aten::add", "aten::sub", "aten::mul", "aten::div", "aten::abs", "aten::sgn"),
            *("aten::neg", "aten::pow", "aten::sum", "aten::mean", "mse_loss", "reduce_kernel"),
            *("dropout", "aten::where", "aten::lerp"),
        ),
    ),
)


@dataclass(frozen=True)
class Share:
    """A part of a step: its seconds, and their share of all, from 0 to 1."""

    name: str
    seconds: float
    share: float


def kind_of(name: str) -> str:
    """The kind of work of an operation, or of a GPU's kernel, by its name."""
    low = name.lower()
    for kind, pieces in _KINDS:
        if any(piece in low for piece in pieces):
            return kind
    return ELSE


def shares(seconds: Mapping[str, float]) -> list[Share]:
    """The largest first; the shares sum to 1."""
    whole = sum(seconds.values())
    return [
        Share(name, part, part / whole)
        for name, part in sorted(seconds.items(), key=lambda item: -item[1])
        if part > 0
    ]


def by_kind(step: Callable[[], object], steps: int, device: torch.device) -> list[Share]:
    """The time of one step that operations take on `device`; nothing where it does not tell."""
    if device.type not in {"cpu", "cuda"}:
        return []
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # it would complain that there is no GPU
    on_gpu = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities) as seen:
        for _ in range(steps):
            step()
        now(device)
    whole = seconds_by_kind(seen.key_averages(), on_gpu=on_gpu)
    return shares({kind: spent / steps for kind, spent in whole.items()})


def seconds_by_kind(events: Iterable[Any], *, on_gpu: bool) -> dict[str, float]:
    """What the profiler's sums say, each moment counted once: on the host, or on the GPU."""
    seconds: dict[str, float] = {}
    for event in events:
        if on_gpu and (event.device_type.name != "CUDA" or event.is_user_annotation):
            continue  # what waits on the host, and ranges that count kernels again
        spent = event.self_device_time_total if on_gpu else event.self_cpu_time_total
        kind = kind_of(event.key)
        seconds[kind] = seconds.get(kind, 0.0) + spent / 1e6
    return seconds


def by_phase(
    training: TrainingStep, step: Callable[[], object], steps: int, device: torch.device
) -> list[Share]:
    """The time of one step by the method's phases; what updates weights is "optimizer".

    Waits for the device between them, so that the sum is a little more than a step takes.
    """
    seconds: dict[str, float] = {}
    mark = 0.0

    def until_now(name: str) -> None:
        nonlocal mark
        passed = now(device)
        seconds[name] = seconds.get(name, 0.0) + (passed - mark) / steps
        mark = passed

    handles = []
    optimizers = [*training.optimizers.items()]
    optimizers += [("optimizer", one) for one in training.loss_optimizers.values()]
    for name, optimizer in optimizers:
        handles += [
            optimizer.register_step_pre_hook(lambda *_, name=name: until_now(name)),
            optimizer.register_step_post_hook(lambda *_: until_now("optimizer")),
        ]
    try:
        for _ in range(steps):
            mark = now(device)
            step()
            until_now("optimizer")  # averages of weights too
    finally:
        for handle in handles:
            handle.remove()
    return shares(seconds)


def floating_point_operations(step: Callable[[], object]) -> int:
    """Those of the convolutions and products of one step, forward and backward."""
    counting = _Counting()
    with counting:
        step()
    return counting.operations


class _Counting(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up torch's own formulas. (Its FlopCounterMode sorts by module as well, with hooks that
    forbid the gradient within a step that a penalty of gradients takes.)"""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations: int = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.operations += formula(*args, **kwargs, out_val=result)
        return result
