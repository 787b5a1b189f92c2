"""A generator with its header for benchmarks of translation: its weights are as they are drawn."""

from __future__ import annotations

import torch

from gantrans.api.generator import Generator
from gantrans.inference.weights import WeightsHeader
from gantrans.plugin.manager import load_registry


def drawn_model(width: int) -> tuple[Generator, WeightsHeader]:
    """CycleGAN's ResNet-9 of that width, colour to colour, in evaluation mode."""
    torch.manual_seed(0)
    config = load_registry().config("generator", "resnet", {"width": width, "blocks": 9})
    generator: Generator = config.build(in_channels=3, out_channels=3).eval()
    header = WeightsHeader(
        kind="generator",
        component=config.model_dump(mode="json"),
        plugin={"name": "gantrans"},
        role="generator_ab",
        domains={"a": "drawn", "b": "translated"},
        source="a",
        target="b",
        in_channels=3,
        out_channels=3,
        value_range=(-1.0, 1.0),
        preprocessing={},
        step=0,
        run="benchmark",
    )
    return generator, header
