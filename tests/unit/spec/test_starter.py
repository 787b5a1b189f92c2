from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from gantrans.errors import DataError
from gantrans.spec.image_facts import DomainFacts, Facts
from gantrans.spec.load import load
from gantrans.spec.model import RunSpec
from gantrans.spec.starter import domain_names, plain_name, starter_spec, toml_string
from gantrans.training.contradictions import check

Size = tuple[int, int]


def facts(a: Sequence[Size], b: Sequence[Size] = (), *, train: int = 1000, gray: str = "") -> Facts:
    domains = (
        DomainFacts("summer", train, 0, a, "a" in gray),
        DomainFacts("winter", train // 2 or 1, 0, b or a, "b" in gray),
    )
    return Facts("seasons", domains, "made up", [("root", "x")])


def spec_of(found: Facts, folder: Path) -> RunSpec:
    """The written spec, after the checks that a run begins with."""
    path = folder / "spec.toml"
    path.write_text(starter_spec(found), encoding="utf-8")
    loaded = load(path)
    check(loaded)
    return loaded.run


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


@pytest.mark.parametrize(
    "text", ['a"b', "back\\slash", "tab\tnew\nline\r", "\x00\x1b\x7f", "été 雪 ❄"]
)
def test_strings_survive_toml(text: str) -> None:
    assert tomllib.loads(f"value = {toml_string(text)}")["value"] == text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("summer2winter_v1.0", "summer2winter_v1.0"),
        ("My photos (2024)", "My-photos-2024"),
        ("été", "ete"),
        (".hidden", "hidden"),
        ("雪", "run"),
        ("x" * 100, "x" * 80),
    ],
)
def test_a_folders_name_becomes_a_runs_name(text: str, name: str) -> None:
    assert plain_name(text) == name


@pytest.mark.parametrize(
    ("folders", "names"),
    [
        (("summer", "winter"), ("summer", "winter")),
        (("été", "冬"), ("été", "冬")),
        (("a/b?", "-c"), ("a_b_", "c")),
        (("!", "..."), ("A", "B")),
        (("x" * 41, "x" * 42), ("A", "B")),
    ],
)
def test_folders_names_become_names_of_domains(
    folders: tuple[str, str], names: tuple[str, str]
) -> None:
    assert domain_names(*folders) == names
