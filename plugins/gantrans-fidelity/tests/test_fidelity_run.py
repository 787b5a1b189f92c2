"""In a run and in `gantrans evaluate`, with an Inception network that is not trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import gantrans
from gantrans.errors import CheckpointError
from gantrans.training.judge import judge
from gantrans_fidelity import feature_metric

SPEC: dict[str, Any] = {
    "domains": {"a": "summer", "b": "winter"},
    "data": {"type": "seasons", "size": 32, "train": 2, "test": 3, "workers": 0},
    "generator": {"type": "resnet", "width": 4, "blocks": 1},
    "discriminator": {"type": "patchgan", "width": 4, "layers": 2},
    "losses": {"adversarial": {}, "cycle": {}},
    "train": {"epochs": 1},
}


class Means:
    digest = "abc"

    def __init__(self, weights: Any) -> None:
        pass

    def __call__(self, images: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(images, 4).flatten(1).double()


@pytest.fixture(autouse=True)
def _only_this_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANTRANS_PLUGINS", "gantrans-fidelity")


def test_a_run_measures_both_and_evaluate_warns_of_so_few_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_metric, "Extractor", Means)
    spec = {**SPEC, "metrics": {"kid": {}, "fid": {}}}

    result = gantrans.run(spec, run_dir=tmp_path / "run", device="cpu")
    found = judge(result.path, device="cpu")

    for direction, scores in found.scores.items():
        assert scores.keys() == {"kid", "fid", "cycle"}
        for name in ("kid", "fid"):
            score = scores[name]
            low, high = score["interval"]
            assert low < score["value"] < high
            assert score["value"] == pytest.approx(result.metrics[direction][name]["value"])
            assert set(score["baselines"]) == {"input_unchanged", "mean_image"}
    *few, narrow = found.warnings
    assert [w.partition(":")[0] for w in few] == ["kid", "fid"]
    assert all("3 images are few, 2000 or more" in warning for warning in few)
    assert "intervals are too narrow: 3 images" in narrow
    for said in found.protocol["measured"].values():
        assert said["kid"]["weights_sha256"] == "abc"
        assert said["kid"]["images_in_a_subset"] == 3
        assert "299 x 299" in said["fid"]["resize"]


def test_weights_that_are_not_there_stop_a_run_before_it_has_a_directory(tmp_path: Path) -> None:
    spec = {**SPEC, "metrics": {"kid": {"weights": str(tmp_path / "absent.pth")}}}
    with pytest.raises(CheckpointError, match=r"no weights file .*absent\.pth"):
        gantrans.run(spec, run_dir=tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()


def test_measuring_changes_nothing_in_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feature_metric, "Extractor", Means)
    weights = []
    for name, metrics in (("with", {"kid": {}}), ("without", {})):
        spec = {**SPEC, "metrics": metrics, "train": {"epochs": 1, "evaluate_every": 1}}
        path = gantrans.run(spec, run_dir=tmp_path / name, device="cpu").path
        [last] = (path / "checkpoints").glob("step-00000002/generator_ab.safetensors")
        weights.append(torch.frombuffer(bytearray(last.read_bytes()), dtype=torch.uint8))
    assert torch.equal(*weights)
