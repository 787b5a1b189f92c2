"""What pix2pix and CUT refuse before step 0, with one message each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from gantrans.errors import SpecError
from gantrans.spec.load import load
from gantrans.training.assemble import assemble
from gantrans.training.contradictions import check
from tiny_run import tiny_spec

NO_CYCLE: dict[str, Any] = {"cycle": None, "identity": None}
PAIRS = {"pairs": True}


def problems(method: str, losses: dict[str, Any], **changes: Any) -> list[str]:
    changes = {"method": {"type": method}, "losses": {**NO_CYCLE, **losses}, **changes}
    try:
        check(load(tiny_spec(**changes)))
    except SpecError as error:
        return [problem.removeprefix("spec: ") for problem in error.problems]
    return []


def of_nce(nce: dict[str, Any], **changes: Any) -> list[str]:
    return problems("cut", {"patch_nce": {"layers": ["image"], **nce}}, **changes)


def test_what_fits_is_not_refused() -> None:
    assert problems("pix2pix", {"l1": {}}, data=PAIRS) == []
    assert of_nce({"layers": ["image", "stem", "down1", "down2", "block1"]}) == []
    assert of_nce({"layers": ["image", "down3"]}, generator={"type": "unet", **UNET}) == []


UNET = {"depth": 3, "blocks": None}


@pytest.mark.parametrize("method", ["pix2pix", "cut"])
def test_there_is_no_cycle_where_there_is_no_way_back(method: str) -> None:
    [said] = problems(method, {"cycle": {}}, data=PAIRS)
    assert said.startswith(f"losses.cycle: it requires 'cycle', which the method {method!r} lacks")


def test_pix2pix_makes_no_identity_and_shows_no_features() -> None:
    found = problems("pix2pix", {"identity": {}, "patch_nce": {"layers": ["image"]}}, data=PAIRS)
    assert found == [
        f"losses.{loss}: it requires {need!r}, which the method 'pix2pix' lacks (it has fake, "
        "source, truth)"
        for loss, need in (
            ("identity", "identity"),
            ("patch_nce", "features"),
            ("patch_nce", "identity_features"),
        )
    ]


def test_pix2pix_needs_pairs() -> None:
    assert problems("pix2pix", {}) == [
        "method: 'pix2pix' learns from pairs, and the training data of 'seasons' is not paired: "
        "use paired data, such as the data set 'paired_folder', or another method"
    ]
    assert problems("cut", {"patch_nce": {"layers": ["image"]}}) == []


def test_a_layer_that_is_not_there_is_named_with_the_nearest_and_all_there_are() -> None:
    there = "(it has: image, stem, down1, down2, block1)"
    assert of_nce({"layers": ["image", "dwon2", "block7"]}) == [
        "losses.patch_nce.layers: the generator 'resnet' has no layer 'dwon2'; did you mean "
        f"'down2'? {there}",
        "losses.patch_nce.layers: the generator 'resnet' has no layer 'block7'; did you mean "
        f"'block1'? {there}",
    ]


def test_the_papers_layers_need_as_many_blocks() -> None:
    """The default names block5; the tiny generator has one block."""
    [said] = problems("cut", {"patch_nce": {}})
    assert "has no layer 'block5'" in said
    assert problems("cut", {"patch_nce": {}}, generator={"blocks": 5}) == []


def test_more_patches_than_pixels_of_a_crop_are_seen_without_an_image() -> None:
    """At 32 px, "block1" has 8 x 8 places."""
    crop = {"transform": {"crop": 32}}
    [said] = of_nce({"layers": ["image", "block1"], "patches": 65}, data=crop)
    assert said.startswith("losses.patch_nce: 65 patches are drawn, and the features have fewer")
    assert "at layer 'block1' 8 x 8 = 64" in said and "'image'" not in said
    assert of_nce({"layers": ["image", "block1"], "patches": 64}, data=crop) == []


def test_another_generators_layers_are_its_own() -> None:
    [said] = of_nce({"layers": ["stem"]}, generator={"type": "unet", **UNET})
    assert said.startswith("losses.patch_nce.layers: the generator 'unet' has no layer 'stem'")
    assert "(it has: image, down1, down2, down3)" in said


BLIND = '''
import gantrans
from torch import nn


class Blind(gantrans.Generator):
    """One convolution, and nothing to look at on the way."""

    name = "blind"

    def __init__(self, config, *, in_channels, out_channels):
        super().__init__(config, in_channels=in_channels, out_channels=out_channels)
        self.layer = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x):
        return self.layer(x).tanh()
'''


def test_a_generator_that_gives_no_features_is_said_to_give_none(tmp_path: Path) -> None:
    (tmp_path / "blind.py").write_text(BLIND)
    plugin = {"plugins": [str(tmp_path / "blind.py")]}
    blind = {"type": "blind", "width": None, "blocks": None}
    assert of_nce({"layers": ["image", "stem"]}, generator=blind, **plugin) == [
        "losses.patch_nce.layers: it reads features of the generator, and 'blind' gives none: use "
        "another generator, such as 'resnet' or 'unet'"
    ]
    assert problems("cut", {}, generator=blind, **plugin) == []


def assembled(text: str, folder: Path) -> str:
    """What assembling the spec in a file says is wrong."""
    file = folder / "cut.toml"
    file.write_text(text)
    loaded = load(file)
    check(loaded)  # without an image nobody knows how large the features are
    with pytest.raises(SpecError) as caught:
        assemble(loaded, torch.device("cpu"))
    [said] = caught.value.problems
    assert said.startswith(f"{file}:")
    return str(said.removeprefix(f"{file}:"))


SPEC = """\
domains = { a = "summer", b = "winter" }
method = "cut"

[data]
type = "seasons"
size = 32
train = 2
test = 0
workers = 0

[generator]
type = "resnet"
width = 2
blocks = 1

[discriminator]
type = "patchgan"
width = 2
layers = 1

[losses.adversarial]
[losses.patch_nce]
layers = ["image", "down1", "down2"]
"""


def test_more_patches_than_pixels_are_refused_before_step_0(tmp_path: Path) -> None:
    """down2 of 32 x 32 pixels has 8 x 8."""
    said = assembled(SPEC, tmp_path)
    line = SPEC.splitlines().index("[losses.patch_nce]") + 1
    assert said.startswith(f"{line}: losses.patch_nce: 256 patches are drawn, and ")
    assert "8 x 8 = 64" in said
    assert "set patches to that or less" in said

    file = tmp_path / "cut.toml"
    file.write_text(SPEC + "patches = 64\n")
    assemble(load(file), torch.device("cpu"))
    assert "65 patches are drawn" in assembled(SPEC + "patches = 65\n", tmp_path)

    oblong = "transform = { resize = [20, 12], resize_mode = 'exact' }\n\n[generator]"
    said = assembled(SPEC.replace("[generator]", oblong) + "patches = 61\n", tmp_path)
    assert "at layer 'down1' 10 x 6 = 60, at layer 'down2' 5 x 3 = 15;" in said


def test_the_layers_of_several_losses_are_checked_one_by_one(tmp_path: Path) -> None:
    more = "[losses.second]\ntype = 'patch_nce'\npatches = 300\nlayers = ['down1']\n"
    file = tmp_path / "cut.toml"
    file.write_text(SPEC + more)
    with pytest.raises(SpecError) as caught:
        assemble(load(file), torch.device("cpu"))
    first, second = caught.value.problems
    assert "losses.patch_nce: 256 patches" in first
    assert "losses.second: 300 patches" in second
    assert "at layer 'down1' 16 x 16 = 256;" in second


GRAY = '''
from gantrans.builtins.datasets.seasons import Seasons

class GrayWinters(Seasons):
    """Seasons whose winters are gray."""
    name = "gray_winters"

    def channels(self, domain):
        return 3 if domain == "a" else 1
'''


def test_features_of_domains_with_other_channels_are_not_compared(tmp_path: Path) -> None:
    (tmp_path / "gray_winters.py").write_text(GRAY)
    gray = {
        "plugins": [str(tmp_path / "gray_winters.py")],
        "data": {"type": "gray_winters", "pairs": True},
    }
    unequal = "losses.patch_nce: {} needs equal channels in both domains, but a has 3 and b 1"
    assert of_nce({}, **gray) == [
        f"{unequal.format(need)}: remove this loss" for need in ("features", "identity_features")
    ]
    assert problems("cut", {}, **gray) == []
    assert problems("pix2pix", {"l1": {}}, **gray) == []


def test_networks_that_see_the_condition_need_no_other_sizes() -> None:
    [said] = problems("pix2pix", {}, data={**PAIRS, "transform": {"crop": 30}}, metrics={})
    assert said.startswith("data.transform.crop: 30 is no multiple of 4")
