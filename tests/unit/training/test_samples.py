from __future__ import annotations

from typing import Any

import pytest
import torch

from gantrans.training.evaluate import Evaluation
from gantrans.training.samples import SampleImages
from tiny_run import tiny_job


def weights(job: Any) -> dict[str, torch.Tensor]:
    networks = job.method.networks.items()
    return {
        f"{n}.{k}": v.clone() for n, network in networks for k, v in network.state_dict().items()
    }


@pytest.mark.parametrize("look", ["samples", "metrics"])
def test_looking_changes_no_network(look: str) -> None:
    """Batch norm in training mode would take the test images into its running statistics."""
    job = tiny_job(generator={"norm": "batch", "dropout": 0.5})
    before = weights(job)
    if look == "samples":
        SampleImages(job).picture(job.method.generators, job.method.networks)
    else:
        Evaluation.of(job).measure(job.method.generators)
    after = weights(job)
    assert all(torch.equal(before[key], after[key]) for key in before)
    assert all(network.training for network in job.method.networks.values())


def test_samples_show_what_the_networks_do_in_use() -> None:
    """No dropout: the same picture twice."""
    job = tiny_job(generator={"dropout": 0.5})
    samples = SampleImages(job)
    method = job.method
    first, second = (
        samples.picture(method.generators, method.networks).tobytes() for _ in range(2)
    )
    assert first == second
