"""Running statistics of generators: those of source images, whatever else a step shows them.

The truth is a copy of each generator that gets the same weights and sees the source images alone.
"""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from gantrans.api.network import running_statistics
from gantrans.api.randomness import stream
from gantrans.api.step import ENDS
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job

STEPS = 3
NAMES = ("running_mean", "running_var", "num_batches_tracked")
ONE_WAY = {"cycle": None, "identity": None}
PATCH_NCE = {"layers": ["down1", "block1"], "patches": 16, "width": 4}
METHODS: dict[str, dict[str, Any]] = {
    "cyclegan": {"method": {"type": "cyclegan"}},
    "cut": {"method": {"type": "cut"}, "losses": {**ONE_WAY, "patch_nce": PATCH_NCE}},
    "fastcut": {
        "method": {"type": "cut", "preset": "fastcut", "direction": "ba"},
        "losses": {**ONE_WAY, "patch_nce": {**PATCH_NCE, "identity": False}},
    },
    "pix2pix": {
        "method": {"type": "pix2pix"},
        "losses": {**ONE_WAY, "l1": {}},
        "data": {"pairs": True},
    },
}
SEED = 0


@pytest.mark.parametrize(
    ("method", "again"),
    [*((method, False) for method in METHODS), ("cyclegan", True)],
    ids=[*METHODS, "cyclegan, accumulated and recomputed"],
)
def test_they_are_those_of_source_images_alone(method: str, again: bool) -> None:
    train = {"batch_size": 2, **({"accumulate": 2, "epochs": 4} if again else {})}
    job = tiny_job(generator={"norm": "batch"}, train=train, seed=SEED, **METHODS[method])
    generators = job.method.generators
    for generator in generators.values():
        generator.recompute = again  # as a plugin's may, though `resnet` would refuse it
    copies = {direction: copy.deepcopy(g) for direction, g in generators.items()}
    step = TrainingStep(job)
    mirrored = 0
    for number, batches in enumerate(steps_of(job, STEPS)):
        for direction, alone in copies.items():
            weights = dict(generators[direction].named_parameters())
            for name, weight in alone.named_parameters():
                weight.data.copy_(weights[name].data)
            for batch in batches:
                images = batch.real[ENDS[direction][0]]
                draw = stream(SEED, "flip equivariance", 2 * number)
                if method == "fastcut" and draw.random() < 0.5:
                    images, mirrored = images.flip(-1), mirrored + 1
                alone(images)
        step(number, batches)

    assert method != "fastcut" or 0 < mirrored < STEPS
    for direction, alone in copies.items():
        found = running_statistics(generators[direction])
        expected = {n: b for n, b in alone.named_buffers() if n.split(".")[-1] in NAMES}
        assert found.keys() == expected.keys() and len(found) == 7 * len(NAMES)
        for name, buffer in expected.items():
            assert torch.equal(found[name], buffer), name
