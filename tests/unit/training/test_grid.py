from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from gantrans.report.layout import LAYOUT
from gantrans.training.grid import GAP, Block, drawable, grid, save

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def plain(colour: tuple[int, int, int], height: int = 32, width: int = 32) -> Tensor:
    values = torch.tensor(colour).float() / 127.5 - 1
    return values.reshape(3, 1, 1).expand(3, height, width)


def box(picture: Image.Image, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Where a colour is: left, top, right, bottom."""
    hits = [
        (x, y)
        for y in range(picture.height)
        for x in range(picture.width)
        if picture.getpixel((x, y)) == colour
    ]
    xs, ys = [x for x, _ in hits], [y for _, y in hits]
    found = (min(xs), min(ys), max(xs) + 1, max(ys) + 1)
    assert len(hits) == (found[2] - found[0]) * (found[3] - found[1])  # a whole rectangle
    return found


def inked(picture: Image.Image, area: tuple[int, int, int, int]) -> bool:
    return picture.convert("L").crop(area).getextrema()[0] < 128


def test_small_images_are_enlarged_by_a_whole_factor() -> None:
    left, top, right, bottom = box(grid([Block("x", [], [[plain(RED, 20, 32)]])]), RED)
    assert (right - left, bottom - top) == (128, 80)


def test_large_images_are_shown_as_they_are() -> None:
    left, top, right, bottom = box(grid([Block("x", [], [[plain(RED, 150, 140)]])]), RED)
    assert (right - left, bottom - top) == (140, 150)


def test_a_row_goes_from_left_to_right_and_rows_go_down() -> None:
    picture = grid([Block("x", [], [[plain(RED), plain(GREEN)], [plain(BLUE)]])])
    red, green, blue = (box(picture, colour) for colour in (RED, GREEN, BLUE))
    assert green[:2] == (red[2] + GAP, red[1])
    assert blue[:2] == (red[0], red[3] + GAP)


def test_blocks_lie_one_below_the_other_each_under_its_heading() -> None:
    picture = grid([Block("first", [], [[plain(RED)]]), Block("second", [], [[plain(BLUE)]])])
    red, blue = box(picture, RED), box(picture, BLUE)
    assert inked(picture, (0, 0, picture.width, red[1]))
    assert blue[1] > red[3]
    assert inked(picture, (0, red[3], picture.width, blue[1]))


def test_each_column_has_its_label_and_a_long_one_stays_in_its_column() -> None:
    rows = [[plain(RED), plain(GREEN), plain(BLUE)]]
    named = grid([Block("x", ["summer", "w" * 80, ""], rows)])
    boxes = [box(named, colour) for colour in (RED, GREEN, BLUE)]
    top = boxes[0][1]
    line = top // 2  # the heading above, the labels below
    assert inked(named, (boxes[0][0], line, boxes[0][2], top))
    assert inked(named, (boxes[1][0], line, boxes[1][2], top))
    assert not inked(named, (boxes[1][2], line, boxes[2][2], top))


def test_gray_images_are_shown_too() -> None:
    picture = grid([Block("x", [], [[torch.zeros(1, 32, 32)]])])
    left, top, right, bottom = box(picture, (128, 128, 128))
    assert (right - left, bottom - top) == (128, 128)


@pytest.mark.parametrize(("channels", "shown"), [(1, 1), (2, 1), (3, 3), (4, 3), (7, 3)])
def test_of_any_number_of_channels_the_first_are_drawn(channels: int, shown: int) -> None:
    image = torch.linspace(-1, 1, channels).reshape(-1, 1, 1).expand(-1, 32, 32)
    assert torch.equal(drawable(image), image[:shown])
    values = [round((float(v) + 1) * 127.5) for v in image[:shown, 0, 0]]
    colour = tuple(values * (3 // shown))
    left, top, right, bottom = box(grid([Block("x", [], [[image]])]), colour)
    assert (right - left, bottom - top) == (128, 128)


def test_a_png_says_where_its_images_lie(tmp_path: Path) -> None:
    blocks = [
        Block("there", ["from", "to"], [[plain(RED), plain(GREEN, 150, 140)]]),
        Block("sheet", [], [[plain(BLUE)], [plain(RED, 20, 32)]]),
    ]
    save(grid(blocks), tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as picture:
        layout = json.loads(picture.info[LAYOUT])
        assert layout["version"] == 1
        assert [(b["heading"], b["columns"]) for b in layout["blocks"]] == [
            ("there", ["from", "to"]),
            ("sheet", []),
        ]
        found = [
            (picture.crop((x, y, x + w, y + h)).convert("RGB").getcolors(), (w, h))
            for block in layout["blocks"]
            for row in block["rows"]
            for x, y, w, h in row
        ]
    for (colours, size), (colour, expected) in zip(
        found,
        [(RED, (128, 128)), (GREEN, (140, 150)), (BLUE, (128, 128)), (RED, (128, 80))],
        strict=True,
    ):
        assert size == expected
        assert colours == [(size[0] * size[1], colour)]  # nothing else, and all of it


def test_a_picture_without_a_layout_is_saved_too(tmp_path: Path) -> None:
    save(Image.new("RGB", (8, 8)), tmp_path / "plain.png")
    with Image.open(tmp_path / "plain.png") as picture:
        assert LAYOUT not in picture.info
