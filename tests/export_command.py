"""`gantrans export` in a test, and generator files for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import typer
from typer.testing import CliRunner, Result

from gantrans.cli.export import export
from gantrans.errors import GantransError
from gantrans.inference.weights import WeightsHeader, save_weights
from gantrans.plugin.manager import load_registry

FORMATS = {"onnx": "winter.onnx", "torch-export": "winter.pt2"}


def save(path: Path, source: str, target: str, **changes: Any) -> None:
    """A generator file: an untrained tiny resnet, or what the changes of its header say."""
    registry = load_registry([changes.pop("plugin_file")] if "plugin_file" in changes else [])
    component = changes.pop("component", {"type": "resnet", "width": 4, "blocks": 1})
    config = registry.config("generator", component["type"], component)
    torch.manual_seed(ord(source))
    header = {
        "kind": "generator",
        "component": config.model_dump(mode="json"),
        "plugin": {"name": "gantrans", "version": "0.1.0"},
        "role": f"generator_{source}{target}",
        "domains": {"a": "summer", "b": "winter"},
        "source": source,
        "target": target,
        "in_channels": 3,
        "out_channels": 3,
        "value_range": (-1.0, 1.0),
        "preprocessing": {"resize": 286, "crop": 256, "flip": True},
        "step": 10,
        "run": "seasons",
        **changes,
    }
    built = config.build(in_channels=header["in_channels"], out_channels=header["out_channels"])
    save_weights(path, built.state_dict(), WeightsHeader(**header))


def save_both(folder: Path) -> Path:
    """The generators of both directions in a folder, which is then a model."""
    for source, target in ("ab", "ba"):
        save(folder / f"generator_{source}{target}.safetensors", source, target)
    return folder


def gantrans_export(*arguments: object) -> Result:
    app = typer.Typer()
    app.command()(export)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refusal_of(kind: type[GantransError], *arguments: object) -> str:
    result = gantrans_export(*arguments)
    assert type(result.exception) is kind, result.output
    return str(result.exception)
