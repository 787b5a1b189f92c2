from __future__ import annotations

import io
import re
from base64 import b64decode
from typing import Any

import pytest
import torch
from PIL import Image, ImageChops
from rich.console import Console

from gantrans.errors import UsageError
from gantrans.training.grid import Block, grid
from gantrans.training.preview import check_way, excerpt, iterm, kitty, preview_for, recognised
from gantrans.training.progress import progress_for
from gantrans.training.session import run
from gantrans.training.sixel import sixel
from tiny_run import tiny_spec


class Terminal(io.StringIO):
    """A file that is a terminal."""

    def isatty(self) -> bool:
        return True


def console(file: io.StringIO) -> Console:
    return Console(file=file, force_terminal=True, width=80, height=24, _environ={})


def noise(width: int, height: int) -> Image.Image:
    pixels = torch.randint(256, (height, width, 3), generator=torch.Generator().manual_seed(1))
    return Image.frombytes("RGB", (width, height), bytes(pixels.flatten().tolist()))


def few_colours(width: int, height: int) -> Image.Image:
    """Levels that are whole percents: sixel has only those."""
    picture = Image.new("RGB", (width, height), (0, 51, 255))
    for x in range(width):
        for y in range(height):
            if (x * y + x) % 3:
                picture.putpixel((x, y), (255, 51 * (x % 6), 51 * (y % 6)))
    return picture


def same(a: Image.Image, b: Image.Image) -> bool:
    return a.size == b.size and ImageChops.difference(a, b).getbbox() is None


def kitty_decoded(text: str) -> Image.Image:
    """As the protocol says: chunks of one payload, all but the last with m=1."""
    data = ""
    found = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", text)
    assert "".join(f"\x1b_G{keys};{chunk}\x1b\\" for keys, chunk in found) == text
    for n, (keys, chunk) in enumerate(found):
        control = dict(pair.split("=") for pair in keys.split(","))
        assert len(chunk) <= 4096
        assert (control["m"] == "0") == (n == len(found) - 1)
        assert n == len(found) - 1 or len(chunk) % 4 == 0
        if n == 0:  # PNG, shown at once, and no answer that would be taken for typing
            assert (control["a"], control["f"], control["q"]) == ("T", "100", "2")
        data += chunk
    return Image.open(io.BytesIO(b64decode(data)))


def iterm_decoded(text: str) -> Image.Image:
    found = re.fullmatch(r"\x1b\]1337;File=([^:]*):([A-Za-z0-9+/=]*)\x07", text)
    assert found is not None
    arguments = dict(pair.split("=") for pair in found[1].split(";"))
    assert arguments["inline"] == "1"
    picture = Image.open(io.BytesIO(b64decode(found[2])))
    assert arguments["width"] == f"{picture.width}px"
    return picture


def sixel_decoded(text: str) -> Image.Image:
    """A plain reader: character by character, pixel by pixel."""
    found = re.fullmatch(r"\x1bPq(.*)\x1b\\", text, re.DOTALL)
    assert found is not None
    token = re.compile(r'"(\d+);(\d+);(\d+);(\d+)|#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)(.)|(.)')
    picture = Image.new("RGB", (1, 1))
    palette: dict[int, tuple[int, ...]] = {}
    x = top = colour = 0
    for match in token.finditer(found[1]):
        groups = match.groups()
        if groups[0]:
            assert groups[:2] == ("1", "1")
            picture = Image.new("RGB", (int(groups[2]), int(groups[3])), (1, 2, 3))
        elif groups[4]:
            palette[int(groups[4])] = tuple(round(int(g) * 2.55) for g in groups[5:8])
        elif groups[8]:
            colour = int(groups[8])
        elif groups[11] == "$":
            x = 0
        elif groups[11] == "-":
            x, top = 0, top + 6
        else:
            count, character = int(groups[9] or 1), groups[10] or groups[11]
            bits = ord(character) - 63
            assert 0 <= bits < 64
            for _ in range(count):
                for y in range(6):
                    if bits >> y & 1:
                        picture.putpixel((x, top + y), palette[colour])
                x += 1
            assert x <= picture.width
    return picture


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (90, 61)])
def test_kitty_and_iterm_get_the_very_picture(size: tuple[int, int]) -> None:
    picture = noise(*size)
    assert same(kitty_decoded(kitty(picture)), picture)
    assert same(iterm_decoded(iterm(picture)), picture)


@pytest.mark.parametrize("size", [(1, 1), (3, 6), (7, 5), (40, 13), (300, 31)])
def test_sixel_paints_every_pixel_in_its_colour(size: tuple[int, int]) -> None:
    picture = few_colours(*size)
    assert same(sixel_decoded(sixel(picture)), picture)


def test_sixel_of_many_colours_is_near() -> None:
    smooth = Image.radial_gradient("L").resize((120, 80)).convert("RGB")
    difference = ImageChops.difference(sixel_decoded(sixel(smooth)), smooth)
    assert max(high for _, high in difference.getextrema()) <= 12  # type: ignore[misc]
    colourful = noise(60, 45)
    assert sixel_decoded(sixel(colourful)).size == colourful.size


KITTY = {"TERM": "xterm-kitty", "KITTY_WINDOW_ID": "1"}


@pytest.mark.parametrize(
    ("environ", "way"),
    [
        (KITTY, "kitty"),
        ({"TERM": "xterm-kitty"}, "kitty"),  # through ssh
        ({"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "iterm"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "foot-direct"}, "sixel"),
        ({"TERM": "xterm", "TERM_PROGRAM": "mintty"}, "sixel"),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "dumb"}, None),
        ({}, None),
        ({**KITTY, "TERM": "xterm-256color", "TERM_PROGRAM": "vscode"}, None),
        ({**KITTY, "TERM": "screen-256color"}, None),
        ({**KITTY, "TERM": "tmux-256color"}, None),
        ({**KITTY, "TMUX": "/tmp/tmux-0/default,1,0"}, None),
        ({**KITTY, "STY": "1.pts-0"}, None),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app", "TMUX": "x"}, None),
        ({**KITTY, "INSIDE_EMACS": "29"}, None),
    ],
)
def test_a_terminal_is_recognised_by_what_it_says_of_itself(
    environ: dict[str, str], way: str | None
) -> None:
    assert recognised(environ) == way


def test_what_is_no_terminal_gets_no_picture_even_if_colours_are_forced() -> None:
    file, said = io.StringIO(), list[str]()
    assert preview_for("kitty", console(file), KITTY, said.append) is None
    assert said == ["no preview of the samples: the output is not a terminal"]


def test_an_unknown_terminal_is_told_how_to_say_what_it_can() -> None:
    said = list[str]()
    assert preview_for("auto", console(Terminal()), {"TERM": "xterm"}, said.append) is None
    assert len(said) == 1 and "--preview kitty, iterm or sixel" in said[0]
    assert preview_for("none", console(Terminal()), KITTY, said.append) is None
    assert len(said) == 1
    chosen = preview_for("auto", console(Terminal()), KITTY, said.append)
    assert chosen is not None and chosen.way == "kitty"


def test_an_unknown_way_is_refused_before_anything_is_done() -> None:
    with pytest.raises(UsageError, match=r"one of none, auto, kitty, iterm, sixel, not 'png'"):
        check_way("png")


def blocks(rows: int) -> Image.Image:
    images = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(2)) * 2 - 1
    block = Block("a -> b -> a", ["a", "b", "a"], [[images] * 3] * rows)
    return grid([block, block])


def test_a_preview_is_small_and_shows_the_first_rows_of_each_direction() -> None:
    two, eight = excerpt(blocks(2), 480), excerpt(blocks(8), 480)
    assert same(two, eight)
    assert two.width <= 480 and two.height <= 320 and two.width > 400
    assert excerpt(noise(2000, 900), 300).size == (300, 135)


def test_pictures_stand_above_the_live_display_and_leave_it_whole() -> None:
    file = Terminal()
    progress = progress_for(console(file), "iterm")
    progress.advance(5, 10)
    progress.picture(blocks(2))
    progress.close()
    shown = file.getvalue()
    assert shown.count("\x1b]1337;File=") == 1
    picture, _, rest = shown.partition("\x1b]1337;File=")[2].partition("\a")
    assert iterm_decoded(f"\x1b]1337;File={picture}\a").width <= 480
    assert rest.startswith("\n") and "step 5/10" in rest


@pytest.mark.parametrize(("file", "pictures"), [(Terminal, 2), (io.StringIO, 0)])
def test_a_run_shows_its_samples_once_each_on_a_terminal_and_never_in_a_pipe(
    tmp_path: Any, file: type[io.StringIO], pictures: int
) -> None:
    output = file()
    spec = tiny_spec(train={"epochs": 1, "sample_every": 3, "evaluate_every": 0})
    run(spec, run_dir=tmp_path / "run", device="cpu", console=console(output), preview="kitty")
    assert output.getvalue().count("a=T,f=100") == pictures
    assert ("\x1b_G" in output.getvalue()) == bool(pictures)
