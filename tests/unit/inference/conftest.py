from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from gantrans.api.generator import Generator
from gantrans.inference.weights import WeightsHeader, save_weights
from gantrans.plugin.manager import load_registry
from gantrans.plugin.registry import Registry


@pytest.fixture(scope="session")
def registry() -> Registry:
    return load_registry()


@pytest.fixture(scope="session")
def make_generator(registry: Registry) -> Callable[..., Generator]:
    def make(in_channels: int = 3, out_channels: int = 3, seed: int = 0) -> Generator:
        torch.manual_seed(seed)
        config = registry.config("generator", "resnet", {"width": 4, "blocks": 1})
        return config.build(in_channels=in_channels, out_channels=out_channels).eval()

    return make


@pytest.fixture(scope="session")
def make_header() -> Callable[..., WeightsHeader]:
    def make(generator: Generator, direction: str = "ab", **changes: Any) -> WeightsHeader:
        values: dict[str, Any] = {
            "kind": "generator",
            "component": generator.config.model_dump(mode="json"),
            "plugin": {"name": "gantrans", "version": "0.1.0"},
            "role": f"generator_{direction}",
            "domains": {"a": "summer", "b": "winter"},
            "source": direction[0],
            "target": direction[1],
            "in_channels": generator.in_channels,
            "out_channels": generator.out_channels,
            "value_range": (-1.0, 1.0),
            "preprocessing": {"resize": None, "crop": 64, "flip": True},
            "step": 500,
            "run": "seasons",
        }
        return WeightsHeader(**{**values, **changes})

    return make


@pytest.fixture
def save(
    make_generator: Callable[..., Generator], make_header: Callable[..., WeightsHeader]
) -> Callable[..., Generator]:
    """Write a generator's weights file and give the generator."""

    def write(path: Path, direction: str = "ab", *, seed: int = 0, **changes: Any) -> Generator:
        channels = {k: changes[k] for k in ("in_channels", "out_channels") if k in changes}
        generator = make_generator(**channels, seed=seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_weights(path, generator.state_dict(), make_header(generator, direction, **changes))
        return generator

    return write
