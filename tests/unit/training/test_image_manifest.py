from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gantrans.training.image_manifest import image_manifest, manifest_changes
from pictures import folders
from tiny_run import tiny_job

DOMAINS = {"a": "summer", "b": "winter"}


def manifest(names: list[str], marks: list[int | None]) -> dict[str, Any]:
    """Of these training images in one domain, and no others."""
    return {"train": {"a": {"names": names, "marks": marks}}}


def changes(tmp_path: Path, before: Any, now: Any) -> list[str]:
    (tmp_path / "images.json").write_text(json.dumps(before))
    return manifest_changes(tmp_path / "images.json", now, DOMAINS)


def test_it_has_the_name_and_size_of_every_file(tmp_path: Path) -> None:
    root = folders(tmp_path, train=2, test=1)
    data = {"type": "unpaired_folder", "root": str(root), "transform": {"resize": 32, "crop": 32}}
    job = tiny_job(data={**data, "size": None, "train": None, "test": None})
    found = image_manifest(job)
    for split, count in (("train", 2), ("test", 1)):
        for domain in "ab":
            folder = root / f"{split}{domain.upper()}"
            files = [folder / f"{n:03d}.png" for n in range(count)]
            assert found[split][domain] == {
                "names": [file.as_posix() for file in files],
                "marks": [len(file.read_bytes()) for file in files],
            }
    assert changes(tmp_path, found, found) == []


def test_drawn_images_change_with_the_text_that_says_what_they_show(tmp_path: Path) -> None:
    before = image_manifest(tiny_job())
    assert changes(tmp_path, before, image_manifest(tiny_job())) == []
    other = image_manifest(tiny_job(data={"scene_seed": 1}))
    lines = changes(tmp_path, before, other)
    assert len(lines) == 4  # two splits of two domains
    assert all("changed (" in line for line in lines)


@pytest.mark.parametrize(
    ("names", "marks", "said"),
    [
        (["x", "y", "z", "w"], [1, 2, 3, 4], "1 added (w)"),
        (["x", "z"], [1, 3], "1 gone (y)"),
        (["x", "y", "z"], [1, 9, None], "2 changed (y, z)"),
        (["x", "q", "z"], [1, 2, 4], "1 added (q), 1 gone (y), 1 changed (z)"),
        (["a", "b", "c", "d"], [1] * 4, "4 added (a, b, c, ...), 3 gone (x, y, z)"),
        (["y", "x", "z"], [2, 1, 3], "another order"),
        (["x", "y", "z", "z"], [1, 2, 3, 3], "3 are now 4"),
    ],
)
def test_what_changed_is_named(
    tmp_path: Path, names: list[str], marks: list[int | None], said: str
) -> None:
    [line] = changes(tmp_path, manifest(["x", "y", "z"], [1, 2, 3]), manifest(names, marks))
    assert "train" in line and "summer" in line
    assert said in line


@pytest.mark.parametrize("text", ["", "[]", '{"train": {"a": {"names": [[]], "marks": [1]}}}'])
def test_a_damaged_manifest_is_said(tmp_path: Path, text: str) -> None:
    file = tmp_path / "images.json"
    file.write_text(text)
    [line] = manifest_changes(file, manifest(["x"], [1]), DOMAINS)
    assert "not compared" in line
