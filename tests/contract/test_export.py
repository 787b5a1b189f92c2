"""Every generator that is installed can be exported, and gives the same pictures at every size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from gantrans.inference.export import onnx, torch_export
from gantrans.inference.export.parity import compare
from gantrans.inference.export.tracing import trace
from gantrans.inference.padding import run_padded
from gantrans.plugin.manager import load_registry

REGISTRY = load_registry()
SMALL: dict[str, list[dict[str, Any]]] = {
    # Between them, every normalizer and every way to halve and to double.
    "resnet": [
        {"width": 2, "blocks": 1, "norm": "layer", "upsample": "nearest", "dropout": 0.5},
        {"width": 2, "blocks": 1, "norm": "batch", "downsample": "blur", "upsample": "blur"},
    ],
    "unet": [
        {"width": 2, "depth": 3, "norm": "group", "upsample": "nearest"},
        {"width": 1, "depth": 6, "norm": {"type": "instance", "affine": True}, "dropout": 0.5},
    ],
    "vit_unet": [
        {
            "widths": [4, 8],
            "norm": "none",
            "features": 8,
            "heads": 2,
            "blocks": 1,
            "ffn_features": 8,
            "embed_features": 8,
        }
    ],
}
"""Others are tried with their defaults."""

CASES = [
    pytest.param(name, settings, id=f"{name}-{number}")
    for name in REGISTRY.names("generator")
    for number, settings in enumerate(SMALL.get(name, [{}]))
]
TEXTS = {"gantrans": "{}", "interface": "{}", "description": "tiny"}
SIZES = [(1, 1, 33), (3, 2, 9), (1, 40, 7), (2, 64, 64), (1, 71, 50)]


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_both_formats_give_what_translation_gives_at_every_size(
    name: str, settings: dict[str, Any], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    config = REGISTRY.config("generator", name, settings)
    generator = config.build(in_channels=3, out_channels=1).eval()
    for weights in generator.parameters():  # as after training: also gates, scales and shifts
        torch.nn.init.normal_(weights, std=0.2)

    def original(x: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return run_padded(generator, x)

    program = trace(generator)
    (tmp_path / "g.onnx").write_bytes(onnx.serialised(program, generator, TEXTS))
    (tmp_path / "g.pt2").write_bytes(torch_export.serialised(program, generator, TEXTS))

    for exported in (onnx.opened(tmp_path / "g.onnx"), torch_export.opened(tmp_path / "g.pt2")):
        compare(exported, original, generator)
        for count, height, width in SIZES:
            x = torch.rand(count, 3, height, width) * 2 - 1
            torch.testing.assert_close(exported(x), original(x), rtol=0, atol=1e-4)
