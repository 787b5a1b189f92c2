from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from gantrans.api.folder_dataset import FolderSource
from gantrans.api.image import open_image
from gantrans.api.pairs import LISTED, matched, mismatches, not_pairs, partners, size_of

FOLDERS = Path("A"), Path("B")


def test_partners_have_one_path_whatever_the_suffix() -> None:
    a = ["x/1.png", "1.png", "b.v2.png"]
    b = ["1.JPG", "x/1.tif", "b.v2.jpg"]
    assert partners(a, b) == [("1.png", "1.JPG"), ("b.v2.png", "b.v2.jpg"), ("x/1.png", "x/1.tif")]
    assert mismatches(a, b, folders=FOLDERS) == {}


def test_they_are_in_the_order_of_their_names_not_of_their_paths() -> None:
    """By path, "a.p.png" comes before "a.png", and "a.jpg" before "a.p.jpg"."""
    assert partners(["a.p.png", "a.png"], ["a.jpg", "a.p.jpg"]) == [
        ("a.png", "a.jpg"),
        ("a.p.png", "a.p.jpg"),
    ]


def test_all_files_without_a_partner_are_found_in_both_folders() -> None:
    found = mismatches(["1.png", "2.png", "x/3.png"], ["3.png", "2.png"], folders=FOLDERS)
    assert found == {
        "in A without a partner in B": ["1.png", "x/3.png"],
        "in B without a partner in A": ["3.png"],
    }


def test_upper_case_is_another_name() -> None:
    assert partners(["a.png"], ["A.png"]) == []


def test_files_of_one_name_are_no_guess() -> None:
    a, b = ["1.jpg", "1.png", "2.png"], ["1.png", "1.tif", "2.png"]
    assert partners(a, b) == [("2.png", "2.png")]
    assert mismatches(a, b, folders=FOLDERS) == {
        "in A of one name, suffix aside": ["1.jpg and 1.png"],
        "in B of one name, suffix aside": ["1.png and 1.tif"],
    }


def source(folder: str, *paths: str) -> FolderSource:
    return FolderSource(Path(folder), Path(folder), paths)


def test_sources_are_brought_to_pairs_of_which_limit_takes_the_first() -> None:
    a, b = source("A", "0.png", "1.png", "2.png", "3.png"), source("B", "1.jpg", "2.jpg", "3.jpg")
    a, b, wrong = matched(a, b, limit=2)
    assert (a.paths, b.paths) == (("1.png", "2.png"), ("1.jpg", "2.jpg"))
    assert wrong == {"in A without a partner in B": ["0.png"]}


def test_a_folder_that_does_not_exist_is_no_folder_named_by_a_dot() -> None:
    a, b, wrong = matched(source("A", "1.png"), source(""), limit=None)
    assert (a.paths, b.paths) == ((), ())
    assert wrong == {"in A without a partner, as the other domain has no such folder": ["1.png"]}


def test_a_message_has_every_kind_and_counts_what_it_does_not_list() -> None:
    many = [f"{n:03d}.png" for n in range(LISTED + 5)]
    said = str(not_pairs({"in A of no use": many, "in B": ["x"]}, "Do something."))
    assert f"{LISTED + 5} in A of no use: 000.png, 001.png" in said
    assert f"{LISTED - 1:03d}.png and 5 more\n" in said
    assert f"{LISTED:03d}.png" not in said
    assert "1 in B: x\n" in said
    assert said.endswith("Do something.")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", [None, 1, 3, 6, 8])
def test_a_size_is_that_of_the_upright_image(
    suffix: str, orientation: int | None, tmp_path: Path
) -> None:
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    file = tmp_path / f"x.{suffix}"
    Image.new("RGB", (7, 4)).save(file, exif=exif)
    expected = (4, 7) if orientation in (6, 8) else (7, 4)
    assert size_of(file) == open_image(file).size == expected


def test_only_the_header_is_read(tmp_path: Path) -> None:
    Image.effect_noise((300, 200), 50).save(tmp_path / "whole.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "whole.png").read_bytes()[:2000])
    assert size_of(tmp_path / "cut.png") == (300, 200)


def test_what_is_no_image_has_no_size(tmp_path: Path) -> None:
    (tmp_path / "words.png").write_text("no image")
    assert size_of(tmp_path / "words.png") is None
    assert size_of(tmp_path / "missing.png") is None


def test_looking_for_pairs_needs_no_torch() -> None:
    code = "import sys, gantrans.api.pairs\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
