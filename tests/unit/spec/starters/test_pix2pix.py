"""The values of Isola et al. 2017."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from first_spec import Size, facts, spec_of
from gantrans.spec.starter import starter_spec


def test_the_losses_and_networks_are_the_papers(tmp_path: Path) -> None:
    spec = spec_of(facts([(256, 256)], paired=True), tmp_path, "pix2pix")
    losses = {name: config.model_dump() for name, config in spec.losses.items()}
    assert losses.keys() == {"adversarial", "l1"}
    assert losses["adversarial"]["objective"] == "vanilla"
    assert (losses["adversarial"]["weight"], losses["l1"]["weight"]) == (1, 100)
    method, unet = spec.method.model_dump(), spec.generator.model_dump()
    assert (method["type"], method["direction"]) == ("pix2pix", "ab")
    assert (unet["type"], unet["width"], unet["depth"], unet["dropout"]) == ("unet", 64, 8, 0.5)
    judge = spec.discriminator.model_dump()
    assert (judge["type"], judge["width"], judge["layers"]) == ("patchgan", 64, 3)
    assert unet["norm"]["type"] == judge["norm"]["type"] == "batch"
    assert (spec.init.scheme, spec.init.gain) == ("normal", None)


@pytest.mark.parametrize(
    ("sizes", "resize", "crop"),
    [
        ([(256, 256)], 286, 256),
        ([(1920, 1080), (600, 800)], 286, 256),
        ([(255, 255)], 143, 128),  # 128 x 286 / 256: the paper's share of jitter
        ([(200, 100), (100, 130)], 72, 64),  # 64 x 286 / 256 = 71.5
        ([(66, 66)], None, 64),
        ([(66, 66), (90, 66)], None, 64),
        ([(66, 66), (90, 90)], 66, 64),
        ([(32, 32)], None, 32),
        ([(32, 32), (64, 64)], 32, 32),
        ([(9, 9)], None, 8),
    ],
)
def test_the_unet_halves_the_crop_to_one_pixel(
    sizes: list[Size], resize: int | None, crop: int, tmp_path: Path
) -> None:
    spec = spec_of(facts(sizes, paired=True), tmp_path, "pix2pix")
    assert (spec.data.transform.resize, spec.data.transform.crop) == (resize, crop)
    unet = spec.generator.model_dump()
    assert 2 ** unet["depth"] == crop
    assert (unet["norm"]["type"], unet["dropout"]) == ("batch", 0.5)


@pytest.mark.parametrize("side", range(8, 300))
def test_no_image_has_to_be_enlarged_below_the_papers_size(side: int) -> None:
    spec = tomllib.loads(starter_spec(facts([(side, side)], paired=True), "pix2pix"))
    transform = spec["data"]["transform"]
    crop = transform["crop"]
    assert crop & (crop - 1) == 0
    assert crop <= side < 2 * crop or crop == 256
    if side < 256:
        assert crop <= transform.get("resize", side) <= side


def test_domains_may_differ_in_colour(tmp_path: Path) -> None:
    spec = spec_of(facts([(64, 64)], gray="a", paired=True), tmp_path, "pix2pix")
    dataset = spec.data.build(base_dir=tmp_path)
    assert (dataset.channels("a"), dataset.channels("b")) == (1, 3)


@pytest.mark.parametrize("side_by_side", [True, False])
def test_the_data_set_knows_whether_a_file_holds_both(side_by_side: bool, tmp_path: Path) -> None:
    found = facts([(64, 64)], train=1, paired=True, side_by_side=side_by_side)
    data = spec_of(found, tmp_path, "pix2pix").data.model_dump()
    assert (data["type"], data["side_by_side"]) == ("paired_folder", side_by_side)
    assert "1 pair to train, none to test" in starter_spec(found, "pix2pix")
