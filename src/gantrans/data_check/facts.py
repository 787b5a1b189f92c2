"""What is known of a data set's images: plain facts, from which the rules make findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gantrans.api.dataset import Split
from gantrans.api.transform import DomainTransform

if TYPE_CHECKING:
    from gantrans.api.step import Domain


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What looking at one image found. What was not looked at is None, or empty.

    Args:
        label: what the data set calls it: a path, or a name.
        error: why it cannot be read.
        size: width and height in pixels, upright.
        stored: how its file keeps it: "RGB", "gray 16 bit", "palette", ...
        turned: whether its file says by EXIF that it is to be turned or mirrored.
        several: whether its file holds more images behind the first, which is the one that is read.
        contrast: standard deviation of its values in [-1, 1] scaled down as the spec
            says, of the channel that has the largest.
        colourful: whether it shows any colour.
        digest: of its pixels: equal digests, equal pictures.
        dhash: 64 bits of what it looks like; None for one too flat to have a look.
        thumbnail: 16 x 16 gray levels.
    """

    label: str
    error: str = ""
    size: tuple[int, int] | None = None
    stored: str = ""
    turned: bool = False
    several: bool = False
    contrast: float | None = None
    colourful: bool | None = None
    digest: bytes = b""
    dhash: int | None = None
    thumbnail: bytes = b""


@dataclass(frozen=True)
class Group:
    """One split of one domain.

    Args:
        split: train or test.
        domain: a or b.
        name: of the domain, as the user calls it.
        total: images that there are.
        images: facts of all of them in their order, or of some.
        transform: what the spec does to them; None without a spec.
        channels: that they are converted to.
        ignored: other files in its folder, by suffix.
    """

    split: Split
    domain: Domain
    name: str
    total: int
    images: Sequence[ImageFacts]
    transform: DomainTransform | None = None
    channels: int = 3
    ignored: Mapping[str, int] = field(default_factory=dict)

    @property
    def called(self) -> str:
        """Such as "summer (train)"."""
        return f"{self.name} ({self.split})"

    @property
    def trained_on(self) -> bool:
        """Whether these are training images; others are only translated and measured."""
        return self.split == "train"

    @property
    def readable(self) -> list[ImageFacts]:
        """The images that could be read."""
        return [image for image in self.images if not image.error]


@dataclass(frozen=True)
class Collection:
    """A data set as far as it was looked at.

    Args:
        groups: its splits and domains; an empty split too.
        paired: splits in which image i of both domains belong together.
        repeat: how often training visits each image in an epoch.
        least: pixels that the networks need on each side.
        multiple: of which each side has to be a multiple.
        whole: whether every image was read; else the headers of some were.
    """

    groups: Sequence[Group]
    paired: frozenset[Split] = frozenset()
    repeat: int = 1
    least: int = 1
    multiple: int = 1
    whole: bool = True

    def of(self, split: Split) -> list[Group]:
        """The groups of a split."""
        return [group for group in self.groups if group.split == split]
