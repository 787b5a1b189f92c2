"""Batch normalisation (Ioffe & Szegedy 2015)."""

from __future__ import annotations

from torch import nn

from gantrans.api.normalizer import Normalizer


class Batch(Normalizer):
    """Batch norm: each channel over the batch in training, over running statistics in use."""

    name = "batch"
    cancels_bias = True
    couples_batch = True

    def layer(self, channels: int) -> nn.Module:
        """BatchNorm2d with a learned scale and shift."""
        return nn.BatchNorm2d(channels)
