"""Folders of images: what is in one, and how two domains are laid out in several. No torch.

Four readings of the folders below a root, tried in this order; upper and lower case are alike:

    trainA  trainB  testA  testB        train/A  train/B  test/A  test/B
    A/train A/test  B/train B/test      A  B

The names stand for the domains: `standard_domains` wants A and B, `any_domains` takes any two.
Files that hold both images of a pair need no domains: `standard_splits` finds train, test and val.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from gantrans.api.image import IMAGE_SUFFIXES
from gantrans.errors import DataError

_SPLITS = {"train", "test"}
_SPLIT_AND_NAME = re.compile(r"(train|test)[ _.-]?(\w.*)", re.IGNORECASE)
_LISTED = 12

NO_FILES = "pipe/socket/device"
"""What stands in `Contents.others` for names that cannot be read to an end."""


@dataclass(frozen=True)
class Contents:
    """What lies in a folder and the folders inside it; hidden files and folders do not count.

    Args:
        images: paths below the folder, with forward slashes, sorted.
        others: how many other files there are, by suffix in lower case ("" for none); pipes,
            sockets and devices, whatever their names, under `NO_FILES`.
    """

    images: tuple[str, ...]
    others: Mapping[str, int]

    def __str__(self) -> str:
        """Such as "12 images, and other files: 3 .gif"."""
        others = ", ".join(
            f"{n} {suffix or 'without a suffix'}" for suffix, n in self.others.items()
        )
        images = f"{len(self.images) or 'no'} image{'' if len(self.images) == 1 else 's'}"
        return images + (f", and other files: {others}" if others else "")


@dataclass(frozen=True)
class DomainFolders:
    """Where one domain's images lie; `test` is None if there are none to test on."""

    name: str
    train: Path
    test: Path | None


def contents(folder: Path, suffixes: Collection[str] = IMAGE_SUFFIXES) -> Contents:
    """Look through a folder, nested folders and links to folders included.

    An image is a file whose name ends in one of `suffixes` (lower case, with the dot), whatever
    its case. A link to nothing counts as a file: whoever reads it says what is wrong. Raises
    DataError if the folder is missing or must not be read.
    """
    images: list[str] = []
    others: Counter[str] = Counter()
    for below, entry in _files(folder):
        suffix = PurePath(entry.name).suffix.lower()
        if not _has_an_end(entry):
            others[NO_FILES] += 1
        elif suffix in suffixes:
            images.append(f"{below}{entry.name}")
        else:
            others[suffix] += 1
    return Contents(tuple(sorted(images)), dict(sorted(others.items())))


def standard_domains(root: Path) -> tuple[DomainFolders, DomainFolders] | None:
    """The folders of the domains named A and B; None if `root` is laid out in another way.

    Raises DataError if `root` is missing, or if two folders claim the same place.
    """
    for reading in _readings(root):
        domains = {domain.name.casefold(): domain for domain in reading}
        if domains.keys() >= {"a", "b"}:
            return domains["a"], domains["b"]
    return None


def any_domains(root: Path) -> tuple[DomainFolders, DomainFolders] | None:
    """The folders of two domains of any name, in the order of their names; None if not just two.

    Raises DataError if `root` is missing, or if two folders claim the same place.
    """
    for reading in _readings(root):
        with_images = [domain for domain in reading if contents(domain.train).images]
        if len(with_images) == 2:
            first, second = with_images
            return first, second
    return None


def standard_splits(root: Path) -> tuple[Path, Path | None] | None:
    """The folders `train`, and `test` or else `val` if there is one; None if none is for training.

    Raises DataError if `root` is missing, or if two folders claim the same place.
    """
    places: dict[str, Path] = {}
    for folder in _subfolders(root):
        before = places.setdefault(folder.name.lower(), folder)
        if before != folder and folder.name.lower() in {"train", "test", "val"}:
            raise DataError(f"{before} and {folder} have one name: rename one of them")
    if "train" not in places:
        return None
    return places["train"], places.get("test", places.get("val"))


def describe(root: Path, *, nested: bool = True) -> str:
    """What lies in `root`, for a message: its folders (two levels deep if `nested`) and files."""
    names: list[str] = []
    for folder in _subfolders(root):
        try:
            inner = _subfolders(folder) if nested else []
        except DataError:  # must not be read: still worth its name
            inner = []
        names += [f"{folder.name}/{child.name}" for child in inner] or [folder.name]
    files = [p for p in root.iterdir() if p.is_file() and not p.name.startswith(".")]
    images = sum(p.suffix.lower() in IMAGE_SUFFIXES for p in files)
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    found = [f"the folders {', '.join(names[:_LISTED])}{more}"] if names else ["no folders"]
    found += [f"{images} images in no folder"] if images else []
    found += [f"{len(files) - images} other files"] if len(files) > images else []
    return ", ".join(found)


def _readings(root: Path) -> Iterator[list[DomainFolders]]:
    """What each of the four readings makes of the folders; a domain has at least `train`."""
    folders = _subfolders(root)
    yield _domains(
        (found[1], found[2], folder)
        for folder in folders
        if (found := _SPLIT_AND_NAME.fullmatch(folder.name))
    )
    yield _domains(
        (split.name, child.name, child)
        for split in folders
        if split.name.lower() in _SPLITS
        for child in _subfolders(split)
    )
    yield _domains(
        (child.name, domain.name, child)
        for domain in folders
        for child in _subfolders(domain)
        if child.name.lower() in _SPLITS
    )
    if not _half_a_layout(folders):
        yield _domains(("train", folder.name, folder) for folder in folders)


def _half_a_layout(folders: Sequence[Path]) -> bool:
    """Whether these cannot be plain folders of images: "trainA testA", or two whole data sets."""
    names = [folder.name.lower() for folder in folders]
    inner = [child.name.lower() for folder in folders for child in _subfolders(folder)]
    return any(name.startswith(("train", "test")) for name in inner) or (
        any(name.startswith("train") for name in names)
        and any(name.startswith(("test", "val")) for name in names)
    )


def _domains(claims: Iterable[tuple[str, str, Path]]) -> list[DomainFolders]:
    """From (split, domain, folder) to the domains, by name; the case of names does not matter."""
    places: dict[tuple[str, str], tuple[str, Path]] = {}
    for split, name, folder in claims:
        before = places.setdefault((split.lower(), name.casefold()), (name, folder))[1]
        if before != folder:
            raise DataError(
                f"{before} and {folder} both look like the {split.lower()} images of {name}: "
                "rename one of them, or name the folders in the spec (train_a, train_b, ...)"
            )
    return [
        DomainFolders(name, folder, places.get(("test", key), (name, None))[1])
        for (split, key), (name, folder) in sorted(places.items())
        if split == "train"
    ]


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    except OSError as error:
        raise _unlistable(folder, error) from None


def _files(folder: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """What is no folder, hidden ones apart, and the folders below `folder` that lead to it."""
    left, seen = [""], set[str]()
    while left:
        below = left.pop()
        place = folder / below
        real = os.path.realpath(place)
        if real in seen:  # a link to a folder above would never end
            continue
        seen.add(real)
        inner = []
        for entry in _listed(place):
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                inner.append(entry.name)
            else:
                yield below, entry
        left += [f"{below}{name}/" for name in sorted(inner, reverse=True)]


def _listed(place: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(place) as entries:
            return list(entries)
    except OSError as error:
        raise _unlistable(place, error) from None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that cannot be followed
        return False


def _has_an_end(entry: os.DirEntry[str]) -> bool:
    """Whether reading it would end: not so of pipes, sockets and devices. Costs a link a stat."""
    if entry.is_file(follow_symlinks=False):
        return True
    try:
        return stat.S_ISREG(entry.stat().st_mode)
    except OSError:  # a link to nothing
        return entry.is_symlink()


def _unlistable(folder: Path, error: OSError) -> DataError:
    return DataError(f"cannot look into the folder {folder}: {error.strerror}")
