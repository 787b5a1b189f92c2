from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from gantrans.data_check.finding import Finding
from gantrans.data_check.picture import ACROSS, GAP, ROWS, TILE, picture
from gantrans.data_check.plan import of_folder
from pictures import folders, photo

WIDTH = ACROSS * (TILE + GAP) + GAP


def finding(files: list[str], groups: tuple[list[str], ...] = ()) -> Finding:
    return Finding("kind", "warning", "a text", "", "", files, groups, len(files))


def test_it_shows_the_images_of_a_finding(tmp_path: Path) -> None:
    root = folders(tmp_path)
    drawn = picture(of_folder(root), [finding([str(root / "trainA" / "001.png")])])
    tile = drawn.crop((GAP, 0, GAP + TILE, drawn.height))
    expected = photo(1).resize((128, 96), 0)  # twice as large, pixel by pixel
    found = [
        top
        for top in range(drawn.height - 96)
        if not ImageChops.difference(tile.crop((0, top, 128, top + 96)), expected).getbbox()
    ]
    assert len(found) == 1


def test_what_cannot_be_read_is_an_empty_tile(tmp_path: Path) -> None:
    root = folders(tmp_path)
    (root / "trainA" / "bad.png").write_bytes(b"")
    drawn = picture(of_folder(root), [finding([str(root / "trainA" / "bad.png")])])
    assert drawn.width == WIDTH and drawn.getcolors(2**16) is not None


def test_a_large_image_is_drawn_without_a_warning_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folders(tmp_path)
    plan = of_folder(root)
    expected = picture(plan, [finding([str(root / "trainA" / "001.png")])])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64 * 48 // 2 + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = picture(plan, [finding([str(root / "trainA" / "001.png")])])
    assert drawn.tobytes() == expected.tobytes()


def test_its_size_is_bounded_however_many_images_there_are(tmp_path: Path) -> None:
    root = folders(tmp_path, train=60)
    plan = of_folder(root)
    files = [str(root / "trainA" / f"{n:03d}.png") for n in range(60)]
    full = picture(plan, [finding(files)])
    assert full.size == picture(plan, [finding(files[: ROWS * ACROSS])]).size
    one_group = picture(plan, [finding(files, (files,))])
    assert one_group.height < full.height


def test_without_suspicion_it_says_so(tmp_path: Path) -> None:
    assert picture(of_folder(folders(tmp_path)), []).width == WIDTH
