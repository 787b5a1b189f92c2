"""The values of Park et al. 2020."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from first_spec import facts, spec_of

LAYERS = ("image", "down1", "down2", "block1", "block5")


def patch_nce(side: int, folder: Path, method: str) -> dict[str, Any]:
    return spec_of(facts([(side, side)]), folder, method).losses["patch_nce"].model_dump()


@pytest.mark.parametrize(
    ("method", "weight", "identity", "flip_equivariance"),
    [("cut", 1, True, False), ("fastcut", 10, False, True)],
)
def test_the_loss_and_the_method_are_the_papers(
    method: str, weight: float, identity: bool, flip_equivariance: bool, tmp_path: Path
) -> None:
    spec = spec_of(facts([(256, 256)]), tmp_path, method)
    assert spec.losses.keys() == {"adversarial", "patch_nce"}
    adversarial = spec.losses["adversarial"].model_dump()
    assert (adversarial["objective"], adversarial["weight"]) == ("lsgan", 1)
    nce = spec.losses["patch_nce"].model_dump()
    assert (nce["weight"], nce["identity"], nce["layers"]) == (weight, identity, LAYERS)
    assert (nce["patches"], nce["temperature"], nce["width"]) == (256, 0.07, 256)
    settings = spec.method.model_dump()
    assert (settings["type"], settings["direction"]) == ("cut", "ab")
    assert settings["flip_equivariance"] is flip_equivariance


@pytest.mark.parametrize("method", ["cut", "fastcut"])
def test_the_networks_are_the_papers(method: str, tmp_path: Path) -> None:
    spec = spec_of(facts([(256, 256)]), tmp_path, method)
    resnet, judge = spec.generator.model_dump(), spec.discriminator.model_dump()
    assert (resnet["type"], resnet["width"], resnet["blocks"]) == ("resnet", 64, 9)
    assert (resnet["downsample"], resnet["upsample"]) == ("blur", "blur")
    assert (judge["type"], judge["width"], judge["layers"]) == ("patchgan", 64, 3)
    assert judge["downsample"] == "blur"
    assert (spec.init.scheme, spec.init.gain) == ("xavier", 0.02)


@pytest.mark.parametrize(("side", "patches"), [(8, 4), (32, 64), (63, 225), (64, 256), (600, 256)])
def test_there_are_no_more_patches_than_pixels_in_the_coarsest_layer(
    side: int, patches: int, tmp_path: Path
) -> None:
    # The crop, a multiple of 4, is halved twice: 60 px of 63 leave 15 x 15.
    assert patch_nce(side, tmp_path, "cut")["patches"] == patches


@pytest.mark.parametrize(("gray", "channels"), [("", 3), ("ab", 1), ("a", 3), ("b", 3)])
def test_both_domains_get_as_many_channels(gray: str, channels: int, tmp_path: Path) -> None:
    spec = spec_of(facts([(64, 64)], gray=gray), tmp_path, "cut")
    dataset = spec.data.build(base_dir=tmp_path)
    assert (dataset.channels("a"), dataset.channels("b")) == (channels, channels)


@pytest.mark.parametrize("method", ["cut", "fastcut"])
@pytest.mark.parametrize(
    ("sides", "crop", "zoom"),
    [
        ((768, 966), 128, 0.4),
        ((300, 966), 128, 0.43),  # 128 / 300 = 0.4267, rounded up
        ((966, 200), 100, 0.5),  # half of a small picture, a multiple of 4
        ((70, 70), 32, 0.46),
        ((9, 9), 8, 0.89),
        ((8, 8), 8, 1.0),
    ],
)
def test_single_pictures_are_cut_at_scales_that_are_never_too_small(
    method: str, sides: tuple[int, int], crop: int, zoom: float, tmp_path: Path
) -> None:
    a, b = ((2 * side, side) for side in sides)
    found = facts([a], [b], train=1, pictures=("a.jpg", "more/b.jpg"))
    spec = spec_of(found, tmp_path, method)
    transform = spec.data.transform
    assert (transform.crop, transform.resize, transform.zoom) == (crop, None, (zoom, 1.0))
    for side in sides:
        assert min(transform.zoomed(2 * side, side, zoom)) >= crop
    settings = spec.data.model_dump()
    assert (settings["type"], settings["repeat"]) == ("single_image", 400)
    assert (settings["a"], settings["b"]) == (tmp_path / "a.jpg", tmp_path / "more/b.jpg")
    assert spec.losses["patch_nce"].model_dump()["patches"] == min(256, (crop // 4) ** 2)
    # As long as for 400 images, as an epoch has 400 crops.
    paper = {"cut": (400, 200), "fastcut": (200, 150)}
    assert (spec.train.epochs, spec.train.decay_start) == paper[method]
