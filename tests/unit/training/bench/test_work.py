from __future__ import annotations

from enum import Enum
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from gantrans.training.bench.throughput import numbered
from gantrans.training.bench.work import (
    by_kind,
    by_phase,
    floating_point_operations,
    kind_of,
    seconds_by_kind,
    shares,
)
from gantrans.training.step import TrainingStep
from tiny_run import steps_of, tiny_job

CPU = torch.device("cpu")
DeviceType = Enum("DeviceType", ["CPU", "CUDA"])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("aten::mkldnn_convolution", "convolutions"),
        ("aten::convolution_backward", "convolutions"),
        (
            "sm90_xmma_fprop_implicit_gemm_bf16bf16_bf16f32_f32_nhwckrsc_nhwc_tilesize",
            "convolutions",
        ),
        ("cutlass__5x_cudnn::Kernel<cutlass_tensorop_bf16_s16816dgrad_optimized>", "convolutions"),
        ("void cudnn::ops::nchwToNhwcKernel<float>", "copies"),
        ("Memcpy HtoD (Pinned -> Device)", "copies"),
        ("aten::copy_", "copies"),
        ("aten::native_batch_norm_backward", "normalisation"),
        ("void cudnn::bn_fw_tr_1C11_singleread<float, 512>", "normalisation"),
        ("aten::reflection_pad2d", "padding"),
        ("void at::native::reflection_pad2d_backward_out_kernel<float>", "padding"),
        ("Optimizer.step#Adam.step", "optimizer"),
        ("aten::_fused_adam_", "optimizer"),
        ("void at::native::multi_tensor_apply_kernel<FusedAdamMathFunctor>", "optimizer"),
        ("aten::addmm", "products of matrices"),
        ("aten::threshold_backward", "activations and sums"),
        ("triton_poi_fused_add_relu_3", "activations and sums"),
        ("triton_per_fused__native_batch_norm_legit_2", "normalisation"),
        ("void at::native::vectorized_elementwise_kernel<4>", "activations and sums"),
        ("aten::empty", "everything else"),
    ],
)
def test_a_kind_of_work_is_known_by_the_name_of_its_operation(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_shares_are_sorted_and_sum_to_one() -> None:
    found = shares({"few": 1.0, "none": 0.0, "most": 3.0})
    assert [(part.name, part.share) for part in found] == [("most", 0.75), ("few", 0.25)]


def test_a_real_step_has_every_kind_of_work_that_its_networks_do() -> None:
    job = tiny_job()
    step, [loaded] = numbered(job, TrainingStep(job)), steps_of(job, 1)
    found = by_kind(lambda: step(loaded), 1, CPU)

    kinds = {"convolutions", "normalisation", "padding", "optimizer", "activations and sums"}
    assert kinds <= {part.name for part in found}
    assert sum(part.share for part in found) == pytest.approx(1)
    assert all(part.seconds > 0 for part in found)


def test_a_gpus_kernels_are_counted_once() -> None:
    """The profiler lists them under the operation of the host that launched them, too, and under
    ranges that enclose them."""

    def event(key: str, device: str, annotation: bool = False) -> SimpleNamespace:
        return SimpleNamespace(
            key=key,
            device_type=DeviceType[device],
            is_user_annotation=annotation,
            self_device_time_total=2e6,
            self_cpu_time_total=7e6,
        )

    events = [
        event("aten::cudnn_convolution", "CPU"),
        event("sm90_xmma_fprop_implicit_gemm", "CUDA"),
        event("Optimizer.step#Adam.step", "CUDA", annotation=True),
    ]
    assert seconds_by_kind(events, on_gpu=True) == {"convolutions": 2.0}
    assert seconds_by_kind(events[:1], on_gpu=False) == {"convolutions": 7.0}


def test_phases_have_their_names_and_leave_no_hooks_behind() -> None:
    job = tiny_job(train={"ema": 0.9})
    training = TrainingStep(job)
    step, [loaded] = numbered(job, training), steps_of(job, 1)
    found = by_phase(training, lambda: step(loaded), 2, CPU)

    assert {part.name for part in found} == {"generators", "discriminators", "optimizer"}
    assert sum(part.share for part in found) == pytest.approx(1)
    assert not any(one._optimizer_step_pre_hooks for one in training.optimizers.values())


def test_operations_of_a_gradient_penalty_are_counted_too() -> None:
    counts = []
    for losses in ({}, {"r1": {}}):
        job = tiny_job(losses={"adversarial": {}, **losses})
        step, [loaded] = numbered(job, TrainingStep(job)), steps_of(job, 1)
        counts.append(floating_point_operations(lambda step=step, loaded=loaded: step(loaded)))
    assert 0 < counts[0] < counts[1]


def test_operations_are_those_of_the_convolutions_both_ways() -> None:
    """A 3 x 3 convolution from 2 to 5 channels at 6 x 6: a product and a sum for each weight and
    place; its backward pass does as much for the weights, and as much for the image."""
    conv = nn.Conv2d(2, 5, 3)
    x = torch.rand(1, 2, 8, 8, requires_grad=True)
    once = 2 * (3 * 3 * 2 * 5) * (6 * 6)
    assert floating_point_operations(lambda: conv(x).sum().backward()) == 3 * once
