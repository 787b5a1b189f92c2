"""Pairs: image files of two folders that belong together, found by their names. No torch.

Partners have one path below their folders, suffix aside: `trainA/a/1.png` and `trainB/a/1.jpg`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath

from PIL import ExifTags, Image, TiffImagePlugin

from gantrans.api.folder_dataset import FolderSource
from gantrans.api.image import open_lazily
from gantrans.errors import DataError

LISTED = 20
"""How many names of one kind of mistake a message has."""

_TURNED = range(5, 9)  # the EXIF orientations that swap width and height


def pair_name(path: str) -> str:
    """What the files of a pair share: the path below the folder, without the suffix."""
    return PurePath(path).with_suffix("").as_posix()


def partners(a: Iterable[str], b: Iterable[str]) -> list[tuple[str, str]]:
    """The pairs among the files of two folders, in the order of their names.

    What `mismatches` finds fault with is in none of them.
    """
    ours, theirs = _by_name(a), _by_name(b)
    return [
        (ours[name][0], theirs[name][0])
        for name in ours
        if len(ours[name]) == len(theirs.get(name, ())) == 1
    ]


def mismatches(
    a: Iterable[str], b: Iterable[str], *, folders: tuple[Path | None, Path | None]
) -> dict[str, list[str]]:
    """What keeps the files of two folders from being pairs; empty if nothing does.

    Args:
        a: paths below the first folder.
        b: paths below the second folder.
        folders: both, to name them; None is one that does not exist.

    Returns:
        Files by what is wrong with them: those without a partner in the other folder, and those
        that share a name with another file of their folder, so that partners would be a guess.
    """
    found: dict[str, list[str]] = {}
    sides = (_by_name(a), folders[0]), (_by_name(b), folders[1])
    for (ours, folder), (theirs, other) in (sides, reversed(sides)):
        place = f" in {other}" if other else ", as the other domain has no such folder"
        alone = [path for name, paths in ours.items() if name not in theirs for path in paths]
        found[f"in {folder} without a partner{place}"] = alone
        shared = [" and ".join(paths) for paths in ours.values() if len(paths) > 1]
        found[f"in {folder} of one name, suffix aside"] = shared
    return {what: files for what, files in found.items() if files}


def matched(
    a: FolderSource, b: FolderSource, *, limit: int | None
) -> tuple[FolderSource, FolderSource, dict[str, list[str]]]:
    """Two sources brought to pairs, and what has no partner.

    Args:
        a: all files of the first domain.
        b: all files of the second domain.
        limit: pairs to keep, the first ones; None for all.

    Returns:
        Both sources with as many files, of which those in one place are partners; and what
        `mismatches` says, of all files.
    """
    first, second = (one.shown if one.folder != Path() else None for one in (a, b))
    pairs = partners(a.paths, b.paths)[:limit]
    return (
        replace(a, paths=tuple(ours for ours, _ in pairs)),
        replace(b, paths=tuple(theirs for _, theirs in pairs)),
        mismatches(a.paths, b.paths, folders=(first, second)),
    )


def not_pairs(found: Mapping[str, Sequence[str]], advice: str) -> DataError:
    """One error for all that is wrong: a line for each kind, with up to LISTED names.

    Args:
        found: names by what is wrong with them, as `mismatches` gives them.
        advice: what to do.
    """
    lines = [f"  {len(names)} {what}: {_listed(names)}" for what, names in found.items()]
    return DataError("\n".join(["the images are no pairs:", *lines, f"  {advice}"]))


def size_of(path: Path) -> tuple[int, int] | None:
    """The width and height of an image file, upright, in pixels; only its header is read.

    None if it is missing, or no image.
    """
    try:
        with open_lazily(path) as image:
            # Not image.getexif(): that of PNG decodes the whole picture to look behind it.
            turned = Image.Image.getexif(image).get(ExifTags.Base.Orientation) in _TURNED
            # Pillow turns the size of a TIFF itself.
            swap = turned and not isinstance(image, TiffImagePlugin.TiffImageFile)
            return (image.height, image.width) if swap else image.size
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
        return None


def _by_name(paths: Iterable[str]) -> dict[str, list[str]]:
    """The files of each name, in the order of the names."""
    named: dict[str, list[str]] = {}
    for path in sorted(paths, key=lambda path: (pair_name(path), path)):
        named.setdefault(pair_name(path), []).append(path)
    return named


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(names[:LISTED]) + more
