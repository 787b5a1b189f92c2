"""Samples in terminals that can show images: kitty, iTerm2 and sixel, by choice.

Kitty's graphics protocol: https://sw.kovidgoyal.net/kitty/graphics-protocol; iTerm2's inline
images: https://iterm2.com/documentation-images.html; sixel: DEC's VT330/340 manual, chapter 14.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from PIL import Image
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import ControlType, Segment

from gantrans.api.problem import shown
from gantrans.errors import UsageError
from gantrans.report.layout import LAYOUT, placed
from gantrans.training.sixel import sixel

ESC = "\x1b"
PIXELS_A_COLUMN = 6
"""Of the narrowest fonts: so a picture is never wider than the terminal."""
WIDEST, HIGHEST = 560, 320
"""Pixels of a preview."""
ROWS = 2
"""Of each block of a grid."""

WAYS = ("none", "auto", "kitty", "iterm", "sixel")

_BY_PROGRAM = {
    "kitty": "kitty",
    "ghostty": "kitty",
    "iTerm.app": "iterm",
    "WezTerm": "iterm",
    "mintty": "sixel",
}
_INSIDE = ("TMUX", "STY", "VIM_TERMINAL", "INSIDE_EMACS")
"""Set by what shows no pictures, whatever it runs in."""
_BY_TERM = {"xterm-kitty": "kitty", "xterm-ghostty": "kitty", "foot": "sixel", "mlterm": "sixel"}


def recognised(environ: Mapping[str, str]) -> str | None:
    """What a terminal can show, by what it says of itself; None if that is not known.

    A terminal inside another one inherits its variables, so the innermost has to be asked first:
    tmux and screen pass no pictures on, an editor's terminal shows none.
    """
    term = environ.get("TERM", "")
    if any(map(environ.get, _INSIDE)) or term.startswith(("tmux", "screen")):
        return None
    if program := environ.get("TERM_PROGRAM"):
        return _BY_PROGRAM.get(program)
    if known := _BY_TERM.get(term) or _BY_TERM.get(term.partition("-")[0]):
        return known
    if environ.get("LC_TERMINAL") == "iTerm2":  # through ssh
        return "iterm"
    return "kitty" if environ.get("KITTY_WINDOW_ID") and term.startswith("xterm") else None


def kitty(picture: Image.Image) -> str:
    """PNG in chunks of 4096 characters; it shall answer nothing, which nobody would read."""
    data = _png(picture)
    chunks = [data[start : start + 4096] for start in range(0, len(data), 4096)]
    keys = ["a=T,f=100,q=2,", *[""] * (len(chunks) - 1)]
    more = [1] * (len(chunks) - 1) + [0]
    return "".join(
        f"{ESC}_G{key}m={m};{chunk}{ESC}\\"
        for key, m, chunk in zip(keys, more, chunks, strict=True)
    )


def iterm(picture: Image.Image) -> str:
    """PNG as an inline file."""
    return f"{ESC}]1337;File=inline=1;width={picture.width}px:{_png(picture)}\a"


_WAYS: dict[str, Callable[[Image.Image], str]] = {"kitty": kitty, "iterm": iterm, "sixel": sixel}


@dataclass(frozen=True)
class Preview:
    """Shows pictures on a terminal in the way it understands."""

    way: str

    def show(self, console: Console, samples: Image.Image) -> None:
        """Above the live display, if there is one. Raises OSError."""
        small = excerpt(samples, min(WIDEST, PIXELS_A_COLUMN * console.width))
        console.print(_Raw(_WAYS[self.way](small)), crop=False)


def check_way(way: str) -> None:
    """A UsageError if there is no such way."""
    if way not in WAYS:
        raise UsageError(f"--preview is one of {', '.join(WAYS)}, not {shown(way)}")


def preview_for(
    way: str, console: Console, environ: Mapping[str, str], say: Callable[[str], None]
) -> Preview | None:
    """The one that was asked for, if the console is a terminal; why there is none is said."""
    if way == "none" or console.quiet:
        return None
    if not console.file.isatty():  # unlike rich's is_terminal, nobody can force it
        say("no preview of the samples: the output is not a terminal")
        return None
    found = recognised(environ) if way == "auto" else way
    if found is None:
        say(
            "no preview of the samples: this terminal is not known to show images; if it does, say "
            "how, with --preview kitty, iterm or sixel"
        )
        return None
    return Preview(found)


def excerpt(samples: Image.Image, width: int) -> Image.Image:
    """The first rows of each block of a grid side by side, no wider than `width` pixels."""
    blocks = placed(samples.info.get(LAYOUT), samples.size)
    parts = [samples.crop(_around(block.rows[:ROWS])) for block in blocks] or [samples]
    gap = 8
    size = sum(part.width + gap for part in parts) - gap, max(part.height for part in parts)
    whole, x = Image.new("RGB", size, "white"), 0
    for part in parts:
        whole.paste(part, (x, 0))
        x += part.width + gap
    whole.thumbnail((width, HIGHEST))
    return whole


def _around(rows: Iterable[Iterable[tuple[int, int, int, int]]]) -> tuple[int, int, int, int]:
    places = [place for row in rows for place in row]
    left, top = min(x for x, *_ in places), min(y for _, y, *_ in places)
    right, bottom = max(x + w for x, _, w, _ in places), max(y + h for _, y, _, h in places)
    return left, top, right, bottom


def _png(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return b64encode(file.getvalue()).decode()


@dataclass(frozen=True)
class _Raw:
    """Text that goes to the terminal as it is, and takes no room that rich knows of."""

    text: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(self.text, None, [(ControlType.CARRIAGE_RETURN,)])
        yield Segment.line()
