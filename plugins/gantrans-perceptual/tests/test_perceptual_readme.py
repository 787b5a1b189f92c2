from __future__ import annotations

import re
import tomllib
from pathlib import Path

from torchvision import models

from gantrans_perceptual.distance import LPIPS_LAYERS
from gantrans_perceptual.features import Features
from gantrans_perceptual.lpips_loss import LPIPSLoss
from gantrans_perceptual.lpips_metric import LPIPSMetric
from gantrans_perceptual.vgg import VGG

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_spec_piece_of_the_readme_is_valid() -> None:
    [block] = re.findall(r"^```toml\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    piece = tomllib.loads(block)
    keep = piece["losses"]["keep_content"]

    VGG.Config(**piece["losses"]["vgg"])
    LPIPSLoss.Config(**{key: value for key, value in keep.items() if key != "type"})
    LPIPSMetric.Config(**piece["metrics"]["lpips"])


def test_the_readme_names_torchvision_s_weights_and_files() -> None:
    for network in {*LPIPS_LAYERS, "vgg19"}:
        source = models.get_model_weights(network).IMAGENET1K_V1
        [row] = re.findall(rf"^\| `{network}` \| `{source}` \| (.*) \|$", README, re.MULTILINE)
        assert row == f"`{Path(source.url).name}`, {source.meta['_file_size']:.0f} MB"


def test_the_readme_s_smallest_images_are_right() -> None:
    assert "16 pixels for `relu5_3` of a VGG, 31 for LPIPS over\n  AlexNet" in README
    assert Features("vgg16", ["relu5_3"], "random").least == 16
    assert Features("alexnet", LPIPS_LAYERS["alexnet"], "random").least == 31
