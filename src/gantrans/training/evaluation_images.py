"""Images outside training, prepared one by one: not mirrored, cut at the centre."""

from __future__ import annotations

from collections.abc import Mapping

from PIL import Image
from torch import Tensor

from gantrans.api.dataset import Dataset, ImageSource
from gantrans.api.step import Domain
from gantrans.errors import DataError
from gantrans.training.transform import prepare, size_of


def evaluation_image(dataset: Dataset, source: ImageSource, domain: Domain, index: int) -> Tensor:
    """One image of a source as the networks get it outside training: not flipped, centre crop."""
    return _for_evaluation(dataset, domain, source.image(index), source.label(index))


def evaluation_pair(
    dataset: Dataset, sources: Mapping[Domain, ImageSource], index: int
) -> dict[Domain, Tensor]:
    """Both images of a pair, each as `evaluation_image` gives it. Raises DataError if they differ
    in size, for then their centres do not show the same."""
    images = {domain: source.image(index) for domain, source in sources.items()}
    labels = {domain: source.label(index) for domain, source in sources.items()}
    refuse_unequal_pair({domain: size_of(image) for domain, image in images.items()}, labels)
    return {d: _for_evaluation(dataset, d, image, labels[d]) for d, image in images.items()}


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


def _for_evaluation(
    dataset: Dataset, domain: Domain, image: Image.Image | Tensor, label: str
) -> Tensor:
    transform, channels = dataset.config.transform.of(domain), dataset.channels(domain)
    return prepare(image, transform, channels=channels, label=label)
