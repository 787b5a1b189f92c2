"""What was found in the user's folders: the facts that a first spec is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class DomainFacts:
    """What was found of one domain.

    Args:
        name: what to call it.
        train: images to train on.
        test: images to test on.
        sizes: (width, height) in pixels of the images whose headers were read.
        gray: whether all of these are gray.
    """

    name: str
    train: int
    test: int
    sizes: Sequence[tuple[int, int]]
    gray: bool


@dataclass(frozen=True)
class Facts:
    """What was found in a folder.

    Args:
        name: of the data set; begins the run directory's name.
        domains: the first and the second.
        naming: where their names come from, for a comment.
        folders: keys and values that tell the data set where the images are.
        paired: whether every image has a partner in the other domain.
        side_by_side: whether partners share a file; sizes are then those of its halves.
        pictures: the files of both domains' pictures as a spec writes them, where there is just one
            a domain to train on; then nothing is said of test images.
    """

    name: str
    domains: tuple[DomainFacts, DomainFacts]
    naming: str
    folders: Sequence[tuple[str, str]]
    paired: bool = False
    side_by_side: bool = False
    pictures: tuple[str, str] | None = None

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Of both domains."""
        return [size for domain in self.domains for size in domain.sizes]

    @property
    def shorter(self) -> list[int]:
        """The shorter sides of both domains' images, sorted."""
        return sorted(min(size) for size in self.sizes)

    @property
    def one_colour(self) -> bool:
        """Whether both domains are gray, or neither is."""
        return self.domains[0].gray == self.domains[1].gray

    def counts(self) -> str:
        """Such as "400 + 400 to train, 60 + 60 to test", or "400 pairs to train, none to test"."""
        a, b = self.domains
        if self.paired:
            train, test = f"{a.train:,} pair{'s' * (a.train != 1)}", f"{a.test:,}"
        else:
            train, test = f"{a.train:,} + {b.train:,}", f"{a.test:,} + {b.test:,}"
        return f"{train} to train, {test if a.test or b.test else 'none'} to test"

    def extent(self) -> str:
        """Such as "all 32 x 32 pixels", of the images whose headers were read."""
        sizes = sorted(set(self.sizes), key=lambda size: (size[0] * size[1], size))
        small, large = (f"{width} x {height}" for width, height in (sizes[0], sizes[-1]))
        total = sum(domain.train + domain.test for domain in self.domains)
        looked = f" ({len(self.sizes):,} of {total:,} looked at)" if len(self.sizes) < total else ""
        return (
            (f"all {small}" if len(sizes) == 1 else f"from {small} to {large}") + " pixels" + looked
        )

    def colours(self) -> str:
        """Such as "in colour"."""
        a, b = (
            f"{domain.name} {'gray' if domain.gray else 'in colour'}" for domain in self.domains
        )
        if not self.one_colour:
            return f"{a}, {b}"
        return "gray" if self.domains[0].gray else "in colour"
