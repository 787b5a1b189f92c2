"""Looking into the user's folders for the facts that a first spec is made from. No torch."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from gantrans.api.folders import (
    Contents,
    DomainFolders,
    any_domains,
    contents,
    describe,
    standard_domains,
    standard_splits,
)
from gantrans.api.image import open_lazily
from gantrans.api.pairs import size_of
from gantrans.errors import DataError
from gantrans.spec.image_facts import DomainFacts, Facts
from gantrans.spec.starters.text import domain_names

_LOOKED_AT = 500  # images of each folder whose headers are read
_GRAY = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L"}
_FROM_TO = re.compile(r"([^\W\d_]+)2([^\W\d_]+)")  # horse2zebra, summer2winter_yosemite


class Search:
    """One look into a folder of images.

    Args:
        directory: the folder.
        base: the folder of the spec, from which it names the images.
        say: told what is being looked at, as it may take a while.
    """

    def __init__(self, directory: Path, base: Path, say: Callable[[str], None]) -> None:
        self.directory, self.base, self._say = directory, base, say
        self.unreadable: list[Path] = []
        """Image files that turned out to be none."""

    def domains(self) -> Facts:
        """Of two domains, each with folders of its own.

        Raises:
            DataError: if they cannot be told apart, or one has no image that can be read.
        """
        return self._facts(self._two_domains())

    def domains_or_pictures(self) -> Facts:
        """Of two domains, or of two pictures if there is just one of each. Raises as above."""
        found = self._two_domains()
        trains = [_images(domain.train, contents(domain.train)) for domain in found]
        tests = [domain.test for domain in found if domain.test is not None]
        if tests or [len(files) for files in trains] != [1, 1]:
            return self._facts(found)
        a, b = (self._relative(file) for files in trains for file in files)
        return replace(self._facts(found), pictures=(a, b))

    def pairs(self) -> Facts:
        """Of pairs: two folders in which partners have one name, or files that hold both.

        Raises:
            DataError: if there is neither, or if no image can be read.
        """
        splits = None if self._found else self._of_whole_pairs()
        if splits is not None:
            return self._halves(*splits)
        found = self._two_domains(
            "; or train (test or val) with files that show A on their left half, B on their right"
        )
        return replace(self._facts(found), paired=True)

    @cached_property
    def _standard(self) -> tuple[DomainFolders, DomainFolders] | None:
        return standard_domains(self.directory)

    @cached_property
    def _found(self) -> tuple[DomainFolders, DomainFolders] | None:
        return self._standard or any_domains(self.directory)

    def _two_domains(self, other: str = "") -> tuple[DomainFolders, DomainFolders]:
        if self._found is None:
            raise DataError(
                f"cannot tell the two domains apart in {self.directory}.\n"
                "  expected: trainA trainB (testA testB), or train/A train/B (test/A test/B), with "
                f"any two names for A and B, or just two folders of images{other}\n"
                f"  found: {describe(self.directory)}\n"
                "  Give the folder that holds both, or write a spec that names them (train_a, "
                "train_b)."
            )
        return self._found

    def _facts(self, found: tuple[DomainFolders, DomainFolders]) -> Facts:
        folders = [("root", self._relative(self.directory))]
        if self._standard is None:
            folders += [
                (f"{split}_{key}", folder.relative_to(self.directory).as_posix())
                for split in ("train", "test")
                for key, domain in zip("ab", found, strict=True)
                if (folder := getattr(domain, split)) is not None
            ]
            names = domain_names(found[0].name, found[1].name)
        else:
            names = self._from_to()
        a, b = (self._domain(name, domain) for name, domain in zip(names, found, strict=True))
        return Facts(self.directory.name, (a, b), _naming(names), folders)

    def _domain(self, name: str, folders: DomainFolders) -> DomainFacts:
        """Counts, and the sizes and colours of an even sample of the images."""
        train = contents(folders.train)
        test = contents(folders.test) if folders.test else Contents((), {})
        sizes, gray = self._look(name, (folders.train, train), (folders.test, test))
        return DomainFacts(name, len(train.images), len(test.images), sizes, gray)

    def _of_whole_pairs(self) -> tuple[Path, Path | None] | None:
        """The folders to train and test on, if images lie right in the former."""
        train, test = standard_splits(self.directory) or (self.directory, None)
        return (train, test) if any("/" not in image for image in contents(train).images) else None

    def _halves(self, train: Path, test: Path | None) -> Facts:
        names = self._from_to()
        found = contents(train)
        if train == self.directory:  # then what lies in folders is something else
            found = replace(found, images=tuple(path for path in found.images if "/" not in path))
        tested = contents(test) if test else Contents((), {})
        whole, gray = self._look("pairs", (train, found), (test, tested))
        sizes = [(width // 2, height) for width, height in whole]
        a, b = (
            DomainFacts(name, len(found.images), len(tested.images), sizes, gray) for name in names
        )
        root = ("root", self._relative(self.directory))
        naming = _naming(names)
        return Facts(self.directory.name, (a, b), naming, [root], paired=True, side_by_side=True)

    def _look(
        self, what: str, train: tuple[Path, Contents], test: tuple[Path | None, Contents]
    ) -> tuple[list[tuple[int, int]], bool]:
        """Sizes of an even sample, and whether all in it are gray."""
        folder, found = train
        if not found.images:
            raise DataError(f"no images to train on in {folder}: found {found}")
        files = _some(_images(folder, found)) + _some(_images(*test))
        sizes, modes = [], set()
        for number, file in enumerate(files, start=1):
            self._say(f"{what}: reading the size of image {number} of {len(files)}")
            size = size_of(file)
            if size is None:
                self.unreadable.append(file)
                continue
            sizes.append(size)
            with open_lazily(file) as image:
                modes.add(image.mode)
        if not sizes:
            raise DataError(f"none of the images in {folder} can be read, as {self.unreadable[-1]}")
        return sizes, modes <= _GRAY

    def _from_to(self) -> tuple[str, str]:
        two = _FROM_TO.match(self.directory.name)
        return domain_names(two[1], two[2]) if two else ("A", "B")

    def _relative(self, path: Path) -> str:
        """With forward slashes; absolute where no way leads from the spec there (two drives)."""
        try:
            return Path(os.path.relpath(path, self.base)).as_posix()
        except ValueError:
            return path.as_posix()


def _naming(names: tuple[str, str]) -> str:
    if names == ("A", "B"):
        return "give them better names: you will meet them everywhere"
    return "named after the folders; you will meet these names everywhere"


def _images(folder: Path | None, found: Contents) -> list[Path]:
    return [folder / image for image in found.images] if folder else []


def _some(files: Sequence[Path]) -> list[Path]:
    """All of them, or so many evenly spread ones."""
    return list(files[:: max(1, math.ceil(len(files) / _LOOKED_AT))])
