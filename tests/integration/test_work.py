"""What a step computes, in operations of its convolutions: what its formulas ask for, not more."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from gantrans.builtins.generators.resnet import ResNet
from gantrans.builtins.normalizers.instance import Instance
from gantrans.training.step import TrainingStep
from plain_cyclegan import PlainCycleGAN
from tiny_run import steps_of, tiny_job

NETWORKS = ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b")


def test_one_forward_pass_of_the_papers_generator_at_256_px_is_99_gflop() -> None:
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        network = ResNet(ResNet.Config(norm=Instance.Config()), in_channels=3, out_channels=3)
        network(torch.empty(1, 3, 256, 256))
    assert counter.get_total_flops() / 1e9 == pytest.approx(99.1, abs=0.05)


@pytest.mark.parametrize("identity", [True, False])
@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_step_computes_what_the_plain_step_does(identity: bool, batch_size: int) -> None:
    losses: dict[str, Any] = {} if identity else {"identity": None}
    job = tiny_job(losses=losses, train={"batch_size": batch_size})
    plain = PlainCycleGAN(
        [copy.deepcopy(job.method.networks[name]) for name in NETWORKS],
        identity=5.0 if identity else 0.0,
    )
    step, [batches] = TrainingStep(job), steps_of(job, 1)
    with FlopCounterMode(display=False) as expected:
        real = batches[0].on(job.device)
        plain.step(real["a"], real["b"])
    with FlopCounterMode(display=False) as found:
        step(0, batches)
    assert found.get_total_flops() == expected.get_total_flops() > 0


def test_recomputed_blocks_cost_their_forward_passes_once_more() -> None:
    counts = []
    for recompute in (False, True):
        job = tiny_job(generator={"blocks": 3}, train={"recompute": recompute})
        step, [batches] = TrainingStep(job), steps_of(job, 1)
        with FlopCounterMode(display=False) as counter:
            step(0, batches)
        counts.append(counter.get_total_flops())
    # Width 4 at 32 px: two convolutions of 3 x 3, 16 -> 16 channels at 8 x 8, in each block; two
    # generators with three passes each. An operation is a product or a sum.
    assert counts[1] - counts[0] == 2 * 3 * 3 * 2 * (2 * 9 * 16 * 16 * 8 * 8)
