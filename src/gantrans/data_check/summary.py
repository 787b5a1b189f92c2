"""The table of a check: a row for each split and domain."""

from __future__ import annotations

from collections import Counter
from statistics import median

from gantrans.data_check.facts import Group

HEADINGS = ("domain", "split", "images", "unreadable", "sizes (least, median, most)", "kinds")


def row(group: Group) -> tuple[str, ...]:
    """One row. Least and most by area; the median of width and height apart."""
    sizes = [image.size for image in group.readable if image.size]
    kinds = Counter(image.stored for image in group.readable if image.stored)
    gray = sum(image.colourful is False for image in group.readable)
    stored = ", ".join(
        kind if len(kinds) == 1 else f"{n:,} {kind}" for kind, n in kinds.most_common()
    )
    return (
        group.name,
        group.split,
        f"{group.total:,}",
        str(len(group.images) - len(group.readable)) if group.images else "",
        _sizes(sizes),
        stored + (f" ({gray:,} without colour)" if gray and gray < len(group.images) else ""),
    )


def _sizes(sizes: list[tuple[int, int]]) -> str:
    if not sizes:
        return ""
    by_area = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    (a, b), (c, d) = by_area[0], by_area[-1]
    if by_area[0] == by_area[-1]:
        return f"all {a} x {b}"
    middle = [round(median(size[axis] for size in sizes)) for axis in (0, 1)]
    return f"{a} x {b}, {middle[0]} x {middle[1]}, {c} x {d}"
