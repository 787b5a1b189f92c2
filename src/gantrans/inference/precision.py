"""How precisely networks are computed: float32, TF32, or bfloat16."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

Precision = Literal["fp32", "tf32", "bf16"]


@contextmanager
def running_in(precision: Precision, device: torch.device) -> Iterator[None]:
    """Forward passes in `precision`; of networks that are trained, see the two below."""
    with products_in(precision), autocast(precision, device):
        yield


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """Under "bf16" convolutions and products of matrices read and write bfloat16.

    It belongs around forward passes only: backward follows them by itself. Sums over many numbers,
    such as the statistics of normalisations, are kept in float32 by torch.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


@contextmanager
def products_in(precision: Precision, *, tuned: bool = False) -> Iterator[None]:
    """Products of float32 numbers on CUDA: whole, or under "tf32" with 10 bits of mantissa.

    torch's own default is TF32 for convolutions and not for products of matrices. It belongs
    around backward too.

    Args:
        precision: what is wanted.
        tuned: let cuDNN try its algorithms on the first pass of each shape, and keep the fastest:
            for shapes that come again and again.
    """
    tf32 = precision == "tf32"
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = matmul.allow_tf32
    matmul.allow_tf32 = tf32
    try:
        with cudnn.flags(
            enabled=cudnn.enabled,
            benchmark=tuned or cudnn.benchmark,
            deterministic=cudnn.deterministic,
            allow_tf32=tf32,
        ):
            yield
    finally:
        matmul.allow_tf32 = before
