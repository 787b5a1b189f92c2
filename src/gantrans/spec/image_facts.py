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
        folders: keys and values that tell `unpaired_folder` where the images are.
    """

    name: str
    domains: tuple[DomainFacts, DomainFacts]
    naming: str
    folders: Sequence[tuple[str, str]]

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Of both domains."""
        return [size for domain in self.domains for size in domain.sizes]

    def counts(self) -> str:
        """Such as "400 + 400 to train, 60 + 60 to test"."""
        a, b = self.domains
        test = f"{a.test:,} + {b.test:,} to test" if a.test or b.test else "none to test"
        return f"{a.train:,} + {b.train:,} to train, {test}"

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
        if self.domains[0].gray != self.domains[1].gray:
            return f"{a}, {b}"
        return "gray" if self.domains[0].gray else "in colour"
