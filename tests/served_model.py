"""A run directory with one checkpoint, its generators tiny and untrained; and images to send."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw

from gantrans.inference.weights import WeightsHeader, save_weights
from gantrans.plugin.manager import load_registry


def write_run(
    run: Path,
    *,
    directions: tuple[str, ...] = ("ab", "ba"),
    channels: Mapping[str, int] | None = None,
    width: int = 2,
) -> Path:
    """Summers are "a", winters "b"; `channels` of each, 3 unless said; networks of that width."""
    channels = {"a": 3, "b": 3, **(channels or {})}
    checkpoint = run / "checkpoints" / "step-00000010"
    checkpoint.mkdir(parents=True)
    config = load_registry().config("generator", "resnet", {"width": width, "blocks": 1})
    digests = {}
    for seed, (source, target) in enumerate(directions):
        torch.manual_seed(seed)
        given = {"in_channels": channels[source], "out_channels": channels[target]}
        header = WeightsHeader(
            kind="generator",
            component=config.model_dump(mode="json"),
            plugin={"name": "gantrans", "version": "0.1.0"},
            role=f"generator_{source}{target}",
            domains={"a": "summer", "b": "winter"},
            source=source,
            target=target,
            **given,
            value_range=(-1.0, 1.0),
            preprocessing={"resize": None, "crop": 64, "flip": True},
            step=10,
            run="seasons",
        )
        path = checkpoint / f"generator_{source}{target}.safetensors"
        save_weights(path, config.build(**given).state_dict(), header)
        digests[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    (checkpoint / "training.json").write_text(json.dumps({"step": 10, "files": digests}))
    (run / "checkpoints" / "latest").write_text("step-00000010\n")
    return run


def landscape(size: tuple[int, int] = (24, 16), mode: str = "RGB", hue: int = 0) -> Image.Image:
    """Something above and something below; no two hues are alike."""
    image = Image.new("RGB", size, (hue * 31 % 256, 150, 220))
    ImageDraw.Draw(image).rectangle(
        (0, size[1] // 2, size[0], size[1]), fill=(40, 120, hue * 7 % 256)
    )
    if mode == "I;16":
        return image.convert("L").convert("I").point(lambda value: value * 256).convert("I;16")
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.linear_gradient("L").resize(size))
    return image.convert(mode)


def as_file(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    """The bytes of its file."""
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()
