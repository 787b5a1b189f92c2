"""`gantrans init --method`: each method reads the folders in its own way."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from drawn_folders import counts, draw, run
from gantrans.errors import DataError, UsageError
from gantrans.spec.load import load
from gantrans.spec.starter import RECIPES


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: an empty one."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def written(method: str, folder: Path) -> dict[str, object]:
    """The table [data] of the spec that is written."""
    run(folder, "--method", method, "--out", f"{method}.toml")
    data: dict[str, object] = load(f"{method}.toml").run.data.model_dump()
    return data


@pytest.mark.parametrize("method", RECIPES)
def test_the_spec_of_every_method_finds_the_images(method: str, tmp_path: Path) -> None:
    for split, count in (("train", 3), ("test", 2)):
        for domain in "AB":
            draw(tmp_path / "photos" / f"{split}{domain}", count)
    run(tmp_path / "photos", "--method", method)
    loaded = load("photos.toml")
    assert counts(loaded) == [3, 3, 2, 2]
    assert loaded.run.method.component.name == method.removeprefix("fast")


def test_without_a_method_it_is_cyclegan(tmp_path: Path) -> None:
    draw(tmp_path / "photos/A", 2)
    draw(tmp_path / "photos/B", 2)
    run(tmp_path / "photos", "--out", "default.toml")
    run(tmp_path / "photos", "--method", "cyclegan", "--out", "named.toml")
    assert Path("default.toml").read_bytes() == Path("named.toml").read_bytes()


def test_an_unknown_method_is_wrong_use_and_the_nearest_is_named(
    tmp_path: Path, here: Path
) -> None:
    draw(tmp_path / "photos/A", 1)
    draw(tmp_path / "photos/B", 1)
    with pytest.raises(UsageError, match=r"cyclegan, pix2pix, cut, fastcut; .*'pix2pix'"):
        run(tmp_path / "photos", "--method", "pixtopix")
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("train", "test"), [("train", "test"), ("train", "val"), ("Train", "VAL"), (".", None)]
)
def test_files_that_hold_both_images_are_halved(
    train: str, test: str | None, tmp_path: Path
) -> None:
    root = tmp_path / "edges2shoes"
    draw(root / train, 3, (128, 64))
    if test:
        draw(root / test, 2, (128, 64))
    else:  # what lies in a folder is then something else
        draw(root / "notes", 1, (128, 64))
    printed = run(root, "--method", "pix2pix")
    loaded = load("edges2shoes.toml")
    assert counts(loaded) == ([3, 3, 2, 2] if test else [3, 3, 0, 0])
    assert (loaded.run.domains.a, loaded.run.domains.b) == ("edges", "shoes")
    assert loaded.run.data.transform.crop == 64
    assert "all 64 x 64" in printed
    assert f"3 pairs to train, {2 if test else 'none'} to test" in printed


def test_the_test_images_win_over_those_to_validate_with(tmp_path: Path) -> None:
    for count, split in enumerate(("train", "val", "test"), start=1):
        draw(tmp_path / "maps" / split, count, (64, 32))
    assert "1 pair to train, 3 to test" in run(tmp_path / "maps", "--method", "pix2pix")
    assert counts(load("maps.toml")) == [1, 1, 3, 3]


def test_the_halves_of_a_picture_taken_sideways_are_those_one_sees(tmp_path: Path) -> None:
    (tmp_path / "scans").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6  # EXIF's orientation: 64 x 128 pixels are stored, 128 x 64 are shown
    Image.new("RGB", (64, 128)).save(tmp_path / "scans/0.jpg", exif=exif)
    assert "all 64 x 64" in run(tmp_path / "scans", "--method", "pix2pix")


def test_partners_may_differ_in_format_and_colour(tmp_path: Path) -> None:
    draw(tmp_path / "photos/edges", 2, mode="L")
    draw(tmp_path / "photos/shoes", 2)
    (tmp_path / "photos/shoes/0.png").rename(tmp_path / "photos/shoes/0.PNG")
    Image.new("RGB", (32, 32)).save(tmp_path / "photos/shoes/1.jpg")
    (tmp_path / "photos/shoes/1.png").unlink()
    data = written("pix2pix", tmp_path / "photos")
    assert counts(load("pix2pix.toml")) == [2, 2, 0, 0]
    assert data["channels"] == {"a": 1, "b": 3}


def test_every_image_without_a_partner_is_named(tmp_path: Path, here: Path) -> None:
    draw(tmp_path / "photos/trainA", 4)
    draw(tmp_path / "photos/trainB", 2)
    draw(tmp_path / "photos/testA", 1)
    (tmp_path / "photos/trainB/0.png").rename(tmp_path / "photos/trainB/zero.png")
    with pytest.raises(DataError) as caught:
        run(tmp_path / "photos", "--method", "pix2pix")
    for part in ("0.png, 2.png, 3.png", "zero.png", "testA", "--method cyclegan, cut or fastcut"):
        assert part in str(caught.value)
    assert not list(here.iterdir())


@pytest.mark.parametrize("folders", [(), ("cats", "dogs", "birds"), ("train/1", "train/2/3")])
def test_a_folder_without_pairs_is_described(folders: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    for folder in folders:
        draw(tmp_path / "photos" / folder, 1)
    if folders[:1] == ("train/1",):
        draw(tmp_path / "photos/train/4", 1)
    with pytest.raises(DataError, match=r"left half(.|\n)*found: "):
        run(tmp_path / "photos", "--method", "pix2pix")


@pytest.mark.parametrize("method", ["cyclegan", "cut", "fastcut"])
def test_files_that_hold_both_images_are_for_pix2pix_only(method: str, tmp_path: Path) -> None:
    draw(tmp_path / "maps/train", 2, (128, 64))
    draw(tmp_path / "maps/test", 2, (128, 64))
    with pytest.raises(DataError, match="cannot tell the two domains apart"):
        run(tmp_path / "maps", "--method", method)


@pytest.mark.parametrize("method", ["cut", "fastcut"])
def test_one_picture_a_domain_is_trained_on_in_crops(method: str, tmp_path: Path) -> None:
    root = tmp_path / "etretat2monet"
    draw(root / "trainA", 1, (1024, 768))
    draw(root / "trainB", 1, (1200, 966))
    data = written(method, root)
    assert data["type"] == "single_image"
    assert Path(str(data["a"])).resolve() == (root / "trainA/0.png").resolve()
    assert Path(str(data["b"])).resolve() == (root / "trainB/0.png").resolve()
    loaded = load(f"{method}.toml")
    assert counts(loaded) == [1, 1, 1, 1]  # the pictures themselves are tested on
    assert (loaded.run.domains.a, loaded.run.domains.b) == ("etretat", "monet")
    assert loaded.run.data.transform.zoom == (0.4, 1.0)


def test_test_images_are_not_dropped_for_single_pictures(tmp_path: Path) -> None:
    draw(tmp_path / "photos/trainA", 1)
    draw(tmp_path / "photos/trainB", 1)
    draw(tmp_path / "photos/testA", 2)
    draw(tmp_path / "photos/testB", 2)
    assert written("cut", tmp_path / "photos")["type"] == "unpaired_folder"


@pytest.mark.parametrize("name", ["odd", "sizes"])
def test_what_is_no_pair_is_refused_before_a_spec_is_written(name: str, tmp_path: Path) -> None:
    if name == "odd":
        draw(tmp_path / "photos/train", 2, (65, 32))
    else:
        draw(tmp_path / "photos/trainA", 2, (32, 32))
        draw(tmp_path / "photos/trainB", 2, (32, 40))
    with pytest.raises(DataError, match="of odd width" if name == "odd" else "of two sizes"):
        run(tmp_path / "photos", "--method", "pix2pix")


@pytest.mark.parametrize(("method", "a", "b"), [("cut", 1, 2), ("cut", 2, 1), ("cyclegan", 1, 1)])
def test_more_pictures_or_another_method_read_folders(
    method: str, a: int, b: int, tmp_path: Path
) -> None:
    draw(tmp_path / "photos/A", a)
    draw(tmp_path / "photos/B", b)
    assert written(method, tmp_path / "photos")["type"] == "unpaired_folder"


def test_an_unreadable_picture_is_named(tmp_path: Path) -> None:
    draw(tmp_path / "photos/A", 1)
    (tmp_path / "photos/B").mkdir()
    (tmp_path / "photos/B/words.png").write_text("no image")
    with pytest.raises(DataError, match=r"words\.png"):
        run(tmp_path / "photos", "--method", "cut")
