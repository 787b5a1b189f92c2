from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import torch
from torch import nn

from first_spec import Size, facts, spec_of
from gantrans.errors import DataError
from gantrans.spec.image_facts import Facts
from gantrans.spec.load import load
from gantrans.spec.starter import RECIPES, starter_spec


@pytest.mark.parametrize(
    ("sizes", "resize", "crop"),
    [
        ([(1920, 1080), (600, 800)], 286, 256),
        ([(286, 286)], 286, 256),
        ([(256, 256)], 286, 256),  # as the paper's own data sets, enlarged by an eighth
        ([(32, 32)], None, 32),
        ([(100, 75)], None, 72),
        ([(100, 75), (300, 200)], 75, 72),
        ([(9, 9)], None, 8),
        ([(600, 600)] * 99 + [(40, 40)], 286, 256),  # one thumbnail does not decide
    ],
)
def test_resize_and_crop_follow_the_sizes(
    sizes: list[Size], resize: int | None, crop: int, tmp_path: Path
) -> None:
    transform = spec_of(facts(sizes), tmp_path).data.transform
    assert (transform.resize, transform.crop) == (resize, crop)


def test_the_domain_of_smaller_images_decides(tmp_path: Path) -> None:
    found = facts([(800, 800)] * 1000, [(64, 64)] * 10)
    assert spec_of(found, tmp_path).data.transform.crop == 64


def test_few_large_images_are_cropped_at_full_size(tmp_path: Path) -> None:
    transform = spec_of(facts([(1024, 768)], [(1200, 966)], train=1), tmp_path).data.transform
    assert (transform.resize, transform.crop) == (None, 256)


@pytest.mark.parametrize("side", range(8, 300))
def test_every_size_gives_a_spec_that_fits_its_networks(side: int) -> None:
    # Facts of the networks: the generator halves twice; PatchGAN needs 3 * 2^layers pixels.
    spec = tomllib.loads(starter_spec(facts([(side, side)])))
    crop, layers = spec["data"]["transform"]["crop"], spec["discriminator"]["layers"]
    assert crop % 4 == 0
    assert crop >= 3 * 2**layers
    assert crop <= spec["data"]["transform"].get("resize", side)
    assert spec["generator"]["blocks"] == (9 if crop >= 256 else 6)


def test_32_px_images_are_judged_by_two_layers() -> None:
    spec = tomllib.loads(starter_spec(facts([(32, 32)])))
    assert spec["discriminator"]["layers"] == 2


def test_images_too_small_for_the_networks_are_refused() -> None:
    with pytest.raises(DataError, match="all 6 x 6 pixels"):
        starter_spec(facts([(6, 6)]))


@pytest.mark.parametrize(
    ("gray", "channels", "losses"),
    [
        ("", (3, 3), {"adversarial", "cycle", "identity"}),
        ("ab", (1, 1), {"adversarial", "cycle", "identity"}),
        ("a", (1, 3), {"adversarial", "cycle"}),  # identity cannot be: G_ab reads one channel
    ],
)
def test_gray_images_get_one_channel(
    gray: str, channels: tuple[int, int], losses: set[str], tmp_path: Path
) -> None:
    spec = spec_of(facts([(64, 64)], gray=gray), tmp_path)
    dataset = spec.data.build(base_dir=tmp_path)
    assert (dataset.channels("a"), dataset.channels("b")) == channels
    assert spec.losses.keys() == losses


@pytest.mark.parametrize(
    ("train", "epochs", "cadence"),
    [(1, 20_000, 200), (30, 700, 200), (400, 200, 400), (1334, 200, 1334), (50_000, 20, 2000)],
)
def test_length_and_cadence_follow_the_count(
    train: int, epochs: int, cadence: int, tmp_path: Path
) -> None:
    plan = spec_of(facts([(64, 64)], train=train), tmp_path).train
    assert (plan.epochs, plan.decay_start) == (epochs, epochs // 2)
    assert plan.sample_every == plan.checkpoint_every == cadence


def test_the_comments_give_the_numbers_found() -> None:
    text = starter_spec(facts([(32, 32)], train=400))
    assert "400 + 200 to train, none to test" in text
    assert "all 32 x 32 pixels (2 of 600 looked at)" in text


def of_method(method: str, *sizes: Size, train: int = 1000) -> Facts:
    return facts(sizes, train=train, paired=method == "pix2pix")


@pytest.mark.parametrize("method", RECIPES)
@pytest.mark.parametrize("side", [8, 16, 30, 64, 100, 200, 256, 600])
def test_every_methods_spec_passes_the_checks_of_a_run(
    method: str, side: int, tmp_path: Path
) -> None:
    found = of_method(method, (side, side))
    assert spec_of(found, tmp_path, method).data.transform.crop <= side


@pytest.mark.parametrize("method", RECIPES)
def test_every_method_trains_with_adam_as_its_paper_does(method: str, tmp_path: Path) -> None:
    spec = spec_of(of_method(method, (256, 256)), tmp_path, method)
    assert (spec.optimizer.lr, spec.optimizer.betas) == (2e-4, (0.5, 0.999))
    assert spec.train.batch_size == 1
    assert (spec.data.transform.resize, spec.data.transform.crop) == (286, 256)


@pytest.mark.parametrize(
    ("method", "epochs", "constant"),
    [("cyclegan", 200, 100), ("pix2pix", 200, 100), ("cut", 400, 200), ("fastcut", 200, 150)],
)
@pytest.mark.parametrize("train", [100, 5000])
def test_between_a_hundred_and_five_thousand_images_training_is_as_long_as_the_papers(
    method: str, epochs: int, constant: int, train: int, tmp_path: Path
) -> None:
    plan = spec_of(of_method(method, (64, 64), train=train), tmp_path, method).train
    assert (plan.epochs, plan.decay_start) == (epochs, constant)


@pytest.mark.parametrize(
    ("method", "train", "epochs"),
    [("pix2pix", 25, 800), ("cut", 25, 1600), ("cut", 50_000, 40), ("fastcut", 50_000, 20)],
)
def test_few_and_many_images_change_the_length_in_proportion_to_the_papers(
    method: str, train: int, epochs: int, tmp_path: Path
) -> None:
    # As many steps as 100, or 5,000, images make in the paper's epochs: 100 / 25 or 5,000 / 50,000.
    found = of_method(method, (64, 64), train=train)
    assert spec_of(found, tmp_path, method).train.epochs == epochs
    assert "for few" in starter_spec(found, method) or "for many" in starter_spec(found, method)


@pytest.mark.parametrize("method", RECIPES)
def test_images_too_small_are_refused_whatever_the_method(method: str) -> None:
    with pytest.raises(DataError, match="at least 8"):
        starter_spec(of_method(method, (7, 100)), method)


@pytest.mark.parametrize("method", ["cyclegan", "cut"])
@pytest.mark.parametrize("side", [32, 256])
def test_the_patch_in_the_comment_is_what_a_score_depends_on(method: str, side: int) -> None:
    text = starter_spec(of_method(method, (side, side)), method)
    commented = re.search(r"patches of (\d+) px, (\d+) x", text)
    assert commented
    spec = tomllib.loads(text)
    spec["discriminator"] |= {"norm": "none", "width": 1}  # a norm would look at the whole image
    judge = load(spec).run.discriminator.build(in_channels=1)
    for layer in judge.modules():
        if isinstance(layer, nn.Conv2d):  # all weights alike, so that no gradient cancels
            nn.init.constant_(layer.weight, 0.1)

    crop = spec["data"]["transform"]["crop"]
    assert len(judge(torch.zeros(1, 1, crop, crop))[0, 0]) == int(commented[2])
    image = torch.ones(1, 1, 256, 256, requires_grad=True)
    scores = judge(image)[0, 0]
    scores[len(scores) // 2, len(scores) // 2].backward()
    assert image.grad is not None
    rows = image.grad[0, 0].abs().sum(1).nonzero()
    assert int(rows.max() - rows.min()) + 1 == int(commented[1])
