"""The colours of the two seasons of the data set `seasons`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PIL import ImageColor

Season = Literal["summer", "winter"]
Pair = tuple[str, str]  # the upper and the lower colour, or the lit and the shaded one


@dataclass(frozen=True, slots=True)
class Look:
    """The colours of a season, as Pillow understands them ("#rrggbb")."""

    sky: Pair
    overcast: Pair  # the sky of a hazy scene
    evening: str  # the lower sky of a warm scene
    sun: str
    cloud: str
    rock: Pair
    snow: Pair
    snow_line: float  # height above the horizon
    mist: str
    hills: tuple[Pair, Pair, Pair]  # far, meadow, foreground
    patch: str
    forest: str
    shore: str
    lake: Pair
    mirror: float  # how strongly the lake reflects
    ripple: str
    needles: Pair
    crown: Pair
    twig: str
    bark: str
    window: str
    roof: Pair


LOOKS: dict[Season, Look] = {
    "summer": Look(
        sky=("#1f6fc4", "#8cc8ee"),
        overcast=("#9db6cc", "#d4dfe6"),
        evening="#f6d9a8",
        sun="#fff3b0",
        cloud="#ffffff",
        rock=("#8a8789", "#67667a"),
        snow=("#ffffff", "#c3d3ea"),
        snow_line=0.26,
        mist="#8fb4c8",
        hills=(
            ("#3f7a4c", "#4f8a4a"),
            ("#63a53a", "#3f8030"),
            ("#5a9a30", "#2c641f"),
        ),
        patch="#2f6a22",
        forest="#27553c",
        shore="#a3a468",
        lake=("#3f86b8", "#124f86"),
        mirror=0.35,
        ripple="#a9d4ee",
        needles=("#2f6b3a", "#1b4a2c"),
        crown=("#6cab36", "#3c7a2a"),
        twig="#5d4029",
        bark="#5d4029",
        window="#39424e",
        roof=("#8a4b32", "#5f3324"),
    ),
    "winter": Look(
        sky=("#3f6aae", "#9dbadf"),
        overcast=("#c3ccd8", "#e3e8ee"),
        evening="#efdccb",
        sun="#fffbe6",
        cloud="#f4f7fa",
        rock=("#8d8c97", "#6a6b7c"),
        snow=("#f7faff", "#a3b4d6"),
        snow_line=0.06,
        mist="#dde6f0",
        hills=(
            ("#e3eaf3", "#d3deeb"),
            ("#f6f9fd", "#d6e1ee"),
            ("#ffffff", "#cbd8e9"),
        ),
        patch="#bccde2",
        forest="#556f7c",
        shore="#b4c4d8",
        lake=("#9ccbe2", "#6fa9cf"),
        mirror=0.18,
        ripple="#eef7fc",
        needles=("#4d7a68", "#33584d"),
        crown=("#e0eaf6", "#94abcc"),
        twig="#8d93a6",
        bark="#5b4a40",
        window="#ffd76a",
        roof=("#ffffff", "#cdd9ea"),
    ),
}


def mix(a: str, b: str, share: float) -> str:
    """The colour made of `share` (0 to 1) of `b` and the rest of `a`, all "#rrggbb"."""
    pairs = zip(ImageColor.getrgb(a), ImageColor.getrgb(b), strict=True)
    return "#" + "".join(f"{round(x + (y - x) * share):02x}" for x, y in pairs)
