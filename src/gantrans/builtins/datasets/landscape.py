"""The painter of the data set `seasons`: renders a `Scene` in summer or in winter.

Nothing here draws random numbers, and whatever one season shows of the layout the other season
shows too: a translation between the seasons can be learned from the pictures alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

from PIL import Image, ImageColor, ImageDraw, ImageOps

from gantrans.builtins.datasets.palette import LOOKS, Season, mix
from gantrans.builtins.datasets.scene import Disc, Peak, Point, Scene, Tree

SUPERSAMPLING = 4  # painted this many times larger, then averaged: Pillow has hard edges


@cache
def _soft_mask(strength: float) -> Image.Image:
    """A mask that falls softly from `strength` (0 to 1) in the centre to 0 at the rim."""
    table = []
    for value in range(256):
        r = min(1.0, value / 180)  # Pillow's gradient measures to the corners: its rim is at 180
        table.append(round(255 * strength * (1 - r) ** 2 * (1 + 2 * r)))
    return Image.radial_gradient("L").resize((64, 64)).point(table)


def paint(scene: Scene, season: Season, size: int | tuple[int, int]) -> Image.Image:
    """Render `scene` in `season`.

    `size` is the side of a square picture, or (width, height), in pixels. Returns an RGB image
    of that size. Raises ValueError if a side is below 1 pixel.
    """
    width, height = (size, size) if isinstance(size, int) else size
    if min(width, height) < 1:
        raise ValueError(f"a picture needs at least 1 pixel a side, got {width} x {height}")
    return _Painter(scene, season, width, height).picture()


class _Painter:
    """One canvas with its brushes; every position is a fraction of the picture."""

    def __init__(self, scene: Scene, season: Season, width: int, height: int) -> None:
        self.scene, self.look = scene, LOOKS[season]
        self.width, self.height = width * SUPERSAMPLING, height * SUPERSAMPLING
        self.image = Image.new("RGB", (self.width, self.height))
        self.draw = ImageDraw.Draw(self.image)
        self.snowy = season == "winter"

    def picture(self) -> Image.Image:
        """Paint from back to front, then average the supersampled pixels."""
        self._sky()
        for peak in self.scene.peaks:
            self._peak(peak)
        self._land()
        self._lake()
        for tree in self.scene.trees:
            if tree.y < self.scene.cabin[1]:
                self._tree(tree)
        self._cabin()
        self._gradient(_below(self.scene.hills[-1].y), self.look.hills[2])
        for tree in self.scene.trees:
            if tree.y >= self.scene.cabin[1]:
                self._tree(tree)
        return self.image.reduce(SUPERSAMPLING)

    # Brushes

    def _points(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self.width, y * self.height) for x, y in points]

    def _shape(self, points: Sequence[Point], colour: str) -> None:
        self.draw.polygon(self._points(points), fill=colour)

    def _line(self, points: Sequence[Point], colour: str, width: float) -> None:
        self.draw.line(self._points(points), fill=colour, width=max(1, round(width * self.height)))

    def _disc(self, x: float, y: float, radius: float, colour: str) -> None:
        r = radius * self.height  # in both directions: round also where the picture is not square
        x, y = x * self.width, y * self.height
        self.draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def _soft(self, disc: Disc, colour: str, strength: float, flat: float = 1.0) -> None:
        """A spot that fades out towards its rim; `flat` is its height over its width."""
        x, y, radius = disc
        r = radius * self.height
        width, height = max(1, round(2 * r)), max(1, round(2 * r * flat))
        mask = _soft_mask(strength).resize((width, height), Image.Resampling.BILINEAR)
        corner = round(x * self.width - width / 2), round(y * self.height - height / 2)
        self.image.paste(ImageColor.getrgb(colour), corner, mask)

    def _gradient(self, points: Sequence[Point], colours: Sequence[str]) -> None:
        """A shape whose colour changes evenly from its top to its bottom."""
        corners = self._points(points)
        top = max(0, int(min(y for _, y in corners)))
        bottom = min(self.height, int(max(y for _, y in corners)) + 1)
        if bottom <= top:
            return
        mask = Image.new("1", (self.width, bottom - top))
        ImageDraw.Draw(mask).polygon([(x, y - top) for x, y in corners], fill=1)
        self.image.paste(self._fade(colours, bottom - top), (0, top), mask)

    def _fade(self, colours: Sequence[str], height: int) -> Image.Image:
        column = Image.new("RGB", (1, len(colours)))
        for row, colour in enumerate(colours):
            column.putpixel((0, row), ImageColor.getrgb(colour))
        inner = (0, 0.5, 1, len(colours) - 0.5)  # from the middle of the first row to the last's
        return column.resize((self.width, height), Image.Resampling.BILINEAR, inner)

    # Motifs

    def _sky(self) -> None:
        scene, look = self.scene, self.look
        horizon = scene.horizon + 0.03
        high = mix(look.sky[0], look.overcast[0], scene.haze)
        low = mix(mix(look.sky[1], look.overcast[1], scene.haze), look.evening, scene.warmth)
        middle = mix(mix(high, low, 0.55), low, 0.25)
        everywhere = [(0, 0), (1, 0), (1, horizon), (0, horizon)]
        self._gradient(everywhere, (high, middle, low))
        x, y, radius = scene.sun
        self._soft((x, y, 8 * radius), mix(look.sun, look.evening, scene.warmth), 0.55)
        self._soft((x, y, 3 * radius), look.sun, 0.8)
        self._disc(x, y, radius, mix(look.sun, "#ffffff", 0.4))
        for puff in scene.puffs:
            self._soft(puff, look.cloud, 0.85, flat=0.42)

    def _peak(self, peak: Peak) -> None:
        look = self.look
        height = peak.foot - peak.top
        left, middle, right = peak.edges()
        dark = (middle, right) if self.scene.sun[0] < peak.x else (left, middle)
        snow = min(1.0, (self.scene.horizon - look.snow_line - peak.top) / height)
        far = 0.35 * (1 - height / 0.4)  # lower mountains look farther away
        for colours, depth in ((look.rock, 1.0), (look.snow, snow)):
            for colour, (a, b) in zip(colours, ((left, right), dark), strict=True):
                if depth > 0.04:
                    self._shape(peak.face(a, b, depth), mix(colour, look.mist, far))
        bare = mix(look.rock[1], look.snow[1], 0.45 if self.snowy else 0.0)
        wide = 0.05 * peak.half_width
        for side, start, end in peak.ribs:
            (ax, ay), (bx, by) = (
                (peak.x + side * peak.half_width * t, peak.top + height * t) for t in (start, end)
            )
            self._shape([(ax, ay), (bx - wide, by), (bx + wide, by)], bare)

    def _land(self) -> None:
        scene, look = self.scene, self.look
        for i in range(9):
            self._soft(((i + 0.5) / 9, scene.horizon + 0.02, 0.14), look.mist, 0.6, flat=0.6)
        self._gradient(_below(scene.hills[0].y), look.hills[0])
        for x, height in scene.forest:
            y = scene.hills[0].y(x) + 0.008
            wide = 0.4 * height
            self._shape([(x, y - height), (x + wide, y), (x - wide, y)], look.forest)
        self._gradient(_below(scene.hills[1].y), look.hills[1])
        for patch in scene.patches:
            self._soft(patch, look.patch, 0.5, flat=0.22)

    def _lake(self) -> None:
        look, outline = self.look, self.scene.lake
        heights = [y for _, y in outline]
        middle = sum(heights) / len(heights)
        self._shape([(x, middle + (y - middle) * 1.12) for x, y in outline], look.shore)
        top, bottom = round(min(heights) * self.height), round(max(heights) * self.height)
        size = self.width, max(1, bottom - top)
        above = self.image.crop((0, max(0, top - 3 * size[1]), self.width, top))
        mirrored = ImageOps.flip(above).resize(size, Image.Resampling.BILINEAR)
        water = Image.blend(self._fade(look.lake, size[1]), mirrored, look.mirror)
        mask = Image.new("1", size)
        corners = [(x, y - top) for x, y in self._points(outline)]
        ImageDraw.Draw(mask).polygon(corners, fill=1)
        self.image.paste(water, (0, top), mask)
        for x, y, length in self.scene.ripples:
            self._soft((x, y, length), look.ripple, 0.7, flat=0.05)

    def _cabin(self) -> None:
        (x, y), look = self.scene.cabin, self.look
        w, h = 0.05, 0.05
        self._soft((x + 0.01, y, 0.09), look.patch, 0.8, flat=0.25)
        self._shape([(x - w, y), (x - w, y - h), (x + w, y - h), (x + w, y)], "#a8392c")
        self._shape([(x - w, y), (x - w, y - h), (x - w / 3, y - h), (x - w / 3, y)], "#8a2c24")
        roof = [(x - 1.2 * w, y - h), (x - 0.7 * w, y - 1.8 * h), (x + 0.8 * w, y - 1.8 * h)]
        self._shape([*roof, (x + 1.2 * w, y - h)], look.roof[0])
        self._shape([roof[0], roof[1], (x - 0.2 * w, y - h)], look.roof[1])
        for left in (0.0, 0.5):
            a, b = x + left * w, x + (left + 0.3) * w
            low, high = y - 0.35 * h, y - 0.7 * h
            self._shape([(a, low), (a, high), (b, high), (b, low)], look.window)

    def _tree(self, tree: Tree) -> None:
        away = 1 if self.scene.sun[0] < tree.x else -1
        h = tree.height
        shadow = (tree.x + 0.2 * away * h, tree.y, 0.35 * h)
        self._soft(shadow, self.look.patch, 0.9, flat=0.2)
        if tree.blobs:
            self._leafy(tree, away)
        else:
            self._spruce(tree, away)

    def _spruce(self, tree: Tree, away: int) -> None:
        x, y, h, look = tree.x, tree.y, tree.height, self.look
        self._line([(x, y), (x, y - 0.2 * h)], look.bark, 0.06 * h)
        for low, tall, wide in ((0.10, 0.42, 0.26), (0.32, 0.40, 0.21), (0.55, 0.45, 0.15)):
            foot, tip = y - low * h, (x, y - (low + tall) * h)
            left, right = (x - wide * h, foot), (x + wide * h, foot)
            dent = (x, foot - 0.04 * h)
            outer = right if away > 0 else left
            self._shape([tip, left, dent, right], look.needles[0])
            self._shape([tip, dent, outer], look.needles[1])
            if self.snowy:  # it lies on the upper side of each tier
                edges = [(x + s * wide * h * 0.60, foot - 0.40 * tall * h) for s in (-1, 1)]
                dents = [(x + s * wide * h * 0.22, foot - 0.58 * tall * h) for s in (-1, 1)]
                sag = (x, foot - 0.45 * tall * h)
                self._shape([tip, edges[0], dents[0], sag, dents[1], edges[1]], look.snow[0])
                half = 1 if away > 0 else 0
                self._shape([tip, edges[half], dents[half], sag], look.snow[1])

    def _leafy(self, tree: Tree, away: int) -> None:
        x, y, h, look = tree.x, tree.y, tree.height, self.look
        blobs = [(x + bx * h, y - by * h, r * h) for bx, by, r in tree.blobs]
        fork = (x, y - 0.3 * h)
        self._line([(x, y), fork], look.bark, 0.07 * h)
        for shift, scale, colour in ((0.0, 1.0, look.crown[1]), (0.22, 0.74, look.crown[0])):
            for bx, by, r in blobs:
                self._disc(bx - shift * away * r, by - shift * r, r * scale, colour)
        if not self.snowy:
            return
        for bx, by, r in blobs:  # no leaves: branches and twigs are seen through the hoarfrost
            self._line([fork, (bx, by)], look.twig, 0.02 * h)
            for tx, ty in ((-0.6, -0.3), (-0.2, -0.7), (0.3, -0.7), (0.6, -0.2)):
                self._line([(bx, by + 0.3 * r), (bx + tx * r, by + ty * r)], look.twig, 0.012 * h)


def _below(line: Callable[[float], float]) -> list[Point]:
    """The outline of everything below a hill line."""
    return [(0, 1), *((i / 48, line(i / 48)) for i in range(49)), (1, 1)]
