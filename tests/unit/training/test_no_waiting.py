"""A step must not wait for the device: on a GPU, the host works ahead of it (invariant 6)."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job

READS = {
    torch.ops.aten._local_scalar_dense.default,  # item(), float(), bool(), an index
    torch.ops.aten.nonzero.default,  # whose result's size is a value
    torch.ops.aten.masked_select.default,
    torch.ops.aten.equal.default,
}


class NoReading(TorchDispatchMode):
    """Raises where the host reads what the device computed."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        assert func not in READS, f"{func} reads a value of the device"
        return func(*args, **(kwargs or {}))


TWO_WAYS: dict[str, Any] = {}
ONE_WAY: dict[str, Any] = {
    "method": "cut",
    "losses": {
        "cycle": None,
        "identity": None,
        "patch_nce": {"layers": ["down1"], "patches": 16, "width": 8},
    },
}
SETTINGS: dict[str, dict[str, Any]] = {
    "cyclegan": {"method": {"type": "cyclegan", "pool_size": 2}},
    "with all that a trainer does": {
        "train": {"ema": 0.9, "accumulate": 2, "warmup": 2},
        "optimizer": {"clip_norm": 1.0},
    },
    "gradient penalty": {"losses": {"r1": {}, "gradient_penalty": {}}},
    "varied colours": {"data": {"transform": {"jitter": {"brightness": 0.2, "hue": 0.1}}}},
    "cut": ONE_WAY,
    "fastcut": {**ONE_WAY, "method": {"type": "cut", "preset": "fastcut"}},
    "pix2pix": {
        "method": "pix2pix",
        "data": {"pairs": True},
        "losses": {"cycle": None, "identity": None, "l1": {}},
    },
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_a_step_reads_no_value_from_the_device(setting: dict[str, Any]) -> None:
    job = tiny_job(**setting)
    step = TrainingStep(job)
    for number, batches in enumerate(steps_of(job, 3)):  # the image pool is full after two
        with NoReading():
            step(number, batches)


def test_reading_a_value_is_noticed() -> None:
    with NoReading(), pytest.raises(AssertionError, match="reads a value"):
        float(torch.ones(1).sum())
