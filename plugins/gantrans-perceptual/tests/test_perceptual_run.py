from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import gantrans
from gantrans.errors import CheckpointError


@pytest.fixture(autouse=True)
def _only_this_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANTRANS_PLUGINS", "gantrans-perceptual")


def spec(**changes: Any) -> dict[str, Any]:
    return {
        "domains": {"a": "summer", "b": "winter"},
        "data": {"type": "seasons", "size": 32, "train": 2, "test": 1, "workers": 0},
        "generator": {"type": "resnet", "width": 4, "blocks": 1},
        "discriminator": {"type": "patchgan", "width": 4, "layers": 2},
        "losses": {"adversarial": {}, "cycle": {}},
        "train": {"epochs": 1, "log_every": 1},
        **changes,
    }


def test_a_run_trains_with_both_losses_and_measures_the_metric(tmp_path: Path) -> None:
    features = {"weights": "random", "network": "squeezenet1_1"}
    losses = {
        "adversarial": {},
        "vgg": {"weights": "random", "layers": {"relu1_2": 1.0}},
        "lpips": {**features, "compare": "identity"},
    }

    result = gantrans.run(
        spec(losses=losses, metrics={"lpips": features}), run_dir=tmp_path / "run", device="cpu"
    )

    last = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[1])
    for curve in ("vgg/summer", "vgg/winter", "lpips/summer", "lpips/winter"):
        assert last[f"generators/{curve}"] > 0
    assert result.metrics["summer->winter"]["lpips"]["value"] > 0
    weights = {file.stem for file in (tmp_path / "run" / "checkpoints").rglob("*.safetensors")}
    networks = {"generator_ab", "generator_ba", "discriminator_a", "discriminator_b"}
    assert weights == {*networks, "training"}


def test_weights_that_are_not_there_stop_the_run_before_it_has_a_directory(tmp_path: Path) -> None:
    losses = {"adversarial": {}, "vgg": {"weights": str(tmp_path / "absent.pth")}}

    with pytest.raises(CheckpointError, match=r"no weights file .*absent\.pth"):
        gantrans.run(spec(losses=losses), run_dir=tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()
