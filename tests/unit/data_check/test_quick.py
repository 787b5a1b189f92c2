from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from PIL import Image

from gantrans.data_check.plan import of_folder
from gantrans.data_check.quick import LOOKED_AT, quick_look
from gantrans.data_check.rules import findings
from pictures import folders, photo


def test_it_sees_sizes_and_what_is_no_image_without_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folders(tmp_path)
    photo(50, (40, 30)).save(root / "trainA" / "zzz.png")
    (root / "trainB" / "bad.png").write_bytes(b"no image")
    monkeypatch.setattr(Image.Image, "load", None)
    seen = quick_look(of_folder(root), (1, 1))
    assert [group.total for group in seen.groups] == [5, 5, 2, 2]
    assert {image.size for image in seen.groups[0].images} == {(64, 48), (40, 30)}
    unreadable = next(f for f in findings(seen) if f.kind == "unreadable")
    assert [Path(file).name for file in unreadable.files] == ["bad.png"]


def test_large_images_and_animations_are_seen_without_a_warning_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folders(tmp_path)
    photo(0).save(root / "trainA" / "000.png", save_all=True, append_images=[photo(1)])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 64 * 48 // 2 + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen = quick_look(of_folder(root), (1, 1))
    assert [image.several for image in seen.groups[0].images] == [True, False, False, False]
    assert not any(image.error for group in seen.groups for image in group.images)


def test_of_many_images_it_looks_at_some_evenly_spread(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    photo(0).save(tmp_path / "x" / "0000.png")
    for n in range(1, 2 * LOOKED_AT):
        (tmp_path / "x" / f"{n:04d}.png").hardlink_to(tmp_path / "x" / "0000.png")
    images = quick_look(of_folder(tmp_path / "x"), (1, 1)).groups[0].images
    assert len(images) == LOOKED_AT
    assert [Path(image.label).name for image in images[:3]] == ["0000.png", "0002.png", "0004.png"]


def test_when_its_time_is_over_it_has_looked_at_one_of_each(tmp_path: Path) -> None:
    seen = quick_look(of_folder(folders(tmp_path)), (1, 1), seconds=0)
    assert [len(group.images) for group in seen.groups] == [1, 1, 1, 1]
