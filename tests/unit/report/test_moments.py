"""Sample pictures over training time: which moments, cut where, within a budget."""

from __future__ import annotations

import base64
import io
import json
import random
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image

from drawn_run import draw_samples, drawn_run
from gantrans.report.moments import Samples, read_samples, thin
from gantrans.report.record import read_record
from gantrans.report.report import report
from gantrans.training.grid import save

PLENTY = 10_000_000
BLOCK = {"heading": "as it is", "columns": ["x", "y"], "rows": [[[0, 0, 9, 9], [9, 0, 9, 9]]]}


def shown(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGB")


def size_of(found: Samples) -> int:
    rows = [row for rows in found.directions.values() for row in rows]
    tiles = [t for row in rows for t in (row.after, row.back) if t] + found.sheets
    return sum(len(row.before) for row in rows) + sum(len(url) for t in tiles for url in t.at)


@pytest.mark.parametrize("keep", [None, 10, 370, 1000])
def test_moments_are_thinned_evenly_with_the_first_the_last_and_the_best(keep: int | None) -> None:
    steps = list(range(10, 1010, 10))
    found = thin(steps, 16, keep)
    assert len(found) == 16 and found == sorted(set(found))
    assert (found[0], found[-1]) == (10, 1000)
    assert keep is None or keep in found
    gaps = [later - earlier for earlier, later in pairwise(found)]
    assert max(gaps) <= 2 * 990 / 15


def test_few_moments_are_all_taken() -> None:
    assert thin([5, 10, 12], 16, 10) == [5, 10, 12]
    assert thin([], 16, None) == []


def test_images_are_cut_from_where_the_png_says_they_are(tmp_path: Path) -> None:
    record = read_record(drawn_run(tmp_path / "run", samples=2))
    found = read_samples(record, PLENTY)
    assert found.steps == [500, 1000] and found.damaged == 0 and not found.sheets
    assert list(found.directions) == ["summer -> winter -> summer", "winter -> summer -> winter"]
    rows = found.directions["summer -> winter -> summer"]
    assert [row.after.label for row in rows] == ["winter", "winter"]
    for n, row in enumerate(rows):
        # draw_samples: the source is -0.5 + 0.1 n, the translation step / 1000, all in [-1, 1].
        expected = [-0.5 + 0.1 * n, 0.5, 1.0]
        for url, value in zip([row.before, *row.after.at], expected, strict=True):
            picture = shown(url)
            assert picture.size == (128, 128)  # 32 pixels, enlarged by the grid
            low, high = picture.convert("L").getextrema()
            level = (value + 1) * 127.5
            assert level - 4 <= low <= high <= level + 4  # nothing of the margin
        assert row.back is not None and shown(row.back.at[0]).size == (128, 128)


def test_the_same_image_in_two_runs_has_the_same_key(tmp_path: Path) -> None:
    runs = [
        drawn_run(tmp_path / "a"),
        drawn_run(tmp_path / "b"),
        drawn_run(tmp_path / "c", shade=0.2),
    ]
    keys = [
        [
            row.key
            for rows in read_samples(read_record(run), PLENTY).directions.values()
            for row in rows
        ]
        for run in runs
    ]
    assert keys[0] == keys[1] and not set(keys[0]) & {keys[2][1], keys[2][3]}


def test_a_picture_without_a_layout_is_shown_whole(tmp_path: Path) -> None:
    run = drawn_run(tmp_path / "run", samples=2)
    for file in (run / "samples").iterdir():
        with Image.open(file) as picture:
            bare = picture.convert("RGB")
        bare.info.clear()
        bare.save(file)
    found = read_samples(read_record(run), PLENTY)
    assert not found.directions
    (sheet,) = found.sheets
    assert len(sheet.at) == 2 and shown(sheet.at[0]).size == bare.size


@pytest.mark.parametrize(
    "box",
    [
        [0, 0, 0, 0], [0, 0, 9], [0, 0, -9, 9], [0, 0, 9999, 9], [-1, 0, 9, 9], [0, 1e400, 9, 9],
        [0, 0, 9.5, 9], ["0", 0, 9, 9], [0, 0, 10**400, 9], None,
    ],
)  # fmt: skip
def test_a_picture_with_a_damaged_layout_is_shown_whole(tmp_path: Path, box: object) -> None:
    check_shown_whole(tmp_path, {"version": 1, "blocks": [{**BLOCK, "rows": [[box, box]]}]})


@pytest.mark.parametrize(
    "said", [{"blocks": [BLOCK]}, {"version": 2, "blocks": [BLOCK]}, [], {"version": 1}, 7]
)
def test_a_layout_of_another_version_is_not_read(tmp_path: Path, said: object) -> None:
    check_shown_whole(tmp_path, said)


def test_a_heading_without_an_arrow_is_a_heading(tmp_path: Path) -> None:
    run = drawn_run(tmp_path / "run", samples=1)
    relaid(run, json.dumps({"version": 1, "blocks": [BLOCK]}))
    assert report([run]).size > 50_000
    assert list(read_samples(read_record(run), PLENTY).directions) == ["as it is"]


def relaid(run: Path, text: str) -> tuple[int, int]:
    """Change what the newest sample says of where its images lie; its size."""
    file = sorted((run / "samples").iterdir())[-1]
    with Image.open(file) as opened:
        picture = opened.convert("RGB")
    picture.info["gantrans"] = text
    save(picture, file)
    return picture.size


def check_shown_whole(tmp_path: Path, said: object) -> None:
    run = drawn_run(tmp_path / "run", samples=1)
    for text in (json.dumps(said), "[" * 100_000):
        size = relaid(run, text)
        found = read_samples(read_record(run), PLENTY)
        assert not found.directions and found.damaged == 0
        assert shown(found.sheets[0].at[0]).size == size


def test_a_damaged_picture_is_counted_and_the_others_are_shown(tmp_path: Path) -> None:
    run = drawn_run(tmp_path / "run", samples=3)
    files = sorted((run / "samples").iterdir())
    files[1].write_bytes(files[1].read_bytes()[:200])
    found = read_samples(read_record(run), PLENTY)
    assert found.damaged == 1 and found.steps == [333, 1000]
    for file in files:
        file.write_bytes(b"")
    found = read_samples(read_record(run), PLENTY)
    assert found.damaged > 0 and found.steps == [] and not found.directions


def test_moments_with_fewer_images_leave_gaps(tmp_path: Path) -> None:
    """A run that was resumed with another train.samples."""
    run = drawn_run(tmp_path / "run", samples=2, images=3)
    draw_samples(run, 500, images=1)
    first, *others = read_samples(read_record(run), PLENTY).directions["summer -> winter -> summer"]
    assert all(first.after.at)
    assert [bool(url) for url in others[0].after.at] == [False, True]


@pytest.mark.parametrize("budget", [150_000, 25_000])
def test_pictures_that_are_hard_to_compress_stay_within_the_budget(
    tmp_path: Path, budget: int
) -> None:
    run = drawn_run(tmp_path / "run", samples=0)
    draw = random.Random(0)
    for step in range(10, 130, 10):
        draw_samples(run, step, images=2, size=80)
        file = run / "samples" / f"step-{step:08d}.png"
        with Image.open(file) as picture:
            count = picture.width * picture.height
            noise = Image.frombytes("RGB", picture.size, draw.randbytes(3 * count))
            noise.info["gantrans"] = picture.info["gantrans"]
        save(noise, file)
    found = read_samples(read_record(run), budget)
    assert 0 < size_of(found) <= budget
    assert (found.steps[0], found.steps[-1]) == (10, 120)
