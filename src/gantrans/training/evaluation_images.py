"""Images outside training: resized and cropped at the centre, neither mirrored nor jittered."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from torch import Tensor, uint8

from gantrans.api.dataset import Dataset, ImageSource, Split
from gantrans.api.image import normalised
from gantrans.api.step import Domain
from gantrans.api.transform import Transform
from gantrans.errors import DataError
from gantrans.training.cache import ImageCache
from gantrans.training.transform import Settled, cut, prepare, settle


def evaluation_image(dataset: Dataset, source: ImageSource, domain: Domain, index: int) -> Tensor:
    """One image of a source as the networks get it outside training: not flipped, centre crop."""
    transform, channels = dataset.config.transform.of(domain), dataset.channels(domain)
    label = source.label(index)
    return prepare(source.image(index), transform, channels=channels, label=label)


@dataclass(frozen=True)
class EvaluationImages:
    """The images of one split, each as `evaluation_image` gives it.

    Args:
        sources: the images of each domain.
        transform: the spec's settings.
        channels: of each domain.
        caches: the decoded and resized images of some domains; the others are decoded when read.
    """

    sources: Mapping[Domain, ImageSource]
    transform: Transform
    channels: Mapping[Domain, int]
    caches: Mapping[Domain, ImageCache] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        split: Split,
        domains: Collection[Domain],
        sources: Mapping[Domain, ImageSource] | None = None,
    ) -> EvaluationImages:
        """The images of a split of a dataset, from `sources` if these are given.

        Raises DataError as `Dataset.source`.
        """
        given = sources or {}
        return cls(
            {d: given[d] if d in given else dataset.source(split, d) for d in domains},
            dataset.config.transform,
            {domain: dataset.channels(domain) for domain in domains},
        )

    def with_caches(self, caches: Mapping[Domain, ImageCache]) -> EvaluationImages:
        """The same, read from caches of some of the domains."""
        return replace(self, caches=caches)

    def pixels(self, domains: Sequence[Domain], index: int) -> list[Tensor]:
        """Image `index` of each of the domains, as (channels, H, W).

        Returns:
            uint8 of pictures, which `in_range` converts, else float32 in [-1, 1].

        Raises:
            DataError: if an image cannot be used; if two images, which are a pair, differ in size,
                since then their centres do not show the same.
        """
        labels = {domain: self.sources[domain].label(index) for domain in domains}
        found = {domain: self._resized(domain, index, labels[domain]) for domain in domains}
        if len(domains) > 1:
            refuse_unequal_pair({d: image.size for d, image in found.items()}, labels)
        return [
            cut(
                resized.image,
                self.transform.of(domain),
                channels=self.channels[domain],
                label=labels[domain],
            )
            for domain, resized in found.items()
        ]

    def _resized(self, domain: Domain, index: int, label: str) -> Settled:
        if domain in self.caches and (kept := self.caches[domain].get(index)):
            return kept
        transform, channels = self.transform.of(domain).resize_only(), self.channels[domain]
        return settle(self.sources[domain].image(index), transform, channels=channels, label=label)


def in_range(pixels: Tensor) -> Tensor:
    """uint8 levels or float32 as float32 in [-1, 1]."""
    return normalised(pixels) if pixels.dtype == uint8 else pixels


def refuse_unequal_pair(
    sizes: Mapping[Domain, tuple[int, int]], labels: Mapping[Domain, str]
) -> None:
    """A crop at one place shows the same of both images of a pair only if both have one size.

    Args:
        sizes: width and height of each image, as its source gave it.
        labels: what to call them.

    Raises:
        DataError: if they differ.
    """
    if sizes["a"] != sizes["b"]:
        (width, height), (other_width, other_height) = sizes["a"], sizes["b"]
        raise DataError(
            f"{labels['a']} is {width} x {height} pixels and {labels['b']} {other_width} x "
            f"{other_height}: the two images of a pair must have one size"
        )
