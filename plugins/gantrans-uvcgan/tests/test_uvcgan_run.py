from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

import gantrans

SPEC = {
    "domains": {"a": "summer", "b": "winter"},
    "data": {"type": "seasons", "size": 32, "train": 2, "test": 1, "workers": 0},
    "generator": {
        "type": "vit_unet",
        "preset": "small",
        "widths": [4, 8],
        "features": 8,
        "blocks": 1,
        "ffn_features": 8,
        "embed_features": 8,
    },
    "discriminator": {"type": "patchgan", "width": 4, "layers": 2},
    "losses": {"adversarial": {}, "cycle": {}, "uvcgan_penalty": {"gamma": 5.0}},
    "train": {"epochs": 1},
}


def test_a_run_trains_and_its_model_translates_images_of_any_size(tmp_path: Path) -> None:
    result = gantrans.run(SPEC, run_dir=tmp_path / "run", device="cpu")
    assert result.steps == 2
    curves = (tmp_path / "run" / "metrics.jsonl").read_text()
    assert "discriminators/uvcgan_penalty/winter" in curves

    translator = gantrans.load(result.path, device="cpu")

    for width, height in [(32, 32), (45, 30)]:
        winter = translator.translate(Image.new("RGB", (width, height), "green"), to="winter")
        assert (winter.size, winter.mode) == ((width, height), "RGB")
    gates = [block.alpha for block in translator.generators["winter"].unet.bottleneck.blocks]
    assert all(torch.isfinite(alpha).all() and alpha.any() for alpha in gates)
