"""What a dataset holds."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, get_args

import torch
from PIL import Image

from gantrans.api.dataset import Dataset, ImageSource, Split
from gantrans.api.image import to_tensor
from gantrans.api.step import DOMAINS, Domain
from gantrans.errors import DataError
from gantrans.plugin.carried import FilePlugins
from gantrans.testing.check import Check, CheckFailed, Skipped, Unusable, blamed, checks, need
from gantrans.testing.spawned import digest, digests_of
from gantrans.testing.subject import Subject

SPLITS: tuple[Split, ...] = get_args(Split)
LOOKED_AT = 3
"""How many images of a source are read; one may be large."""


def dataset_of(subject: Subject) -> Dataset:
    """The dataset, made once."""
    made: Dataset = subject.once("dataset", lambda: subject.build(base_dir=subject.base_dir))
    return made


def source_of(subject: Subject, split: Split, domain: Domain) -> ImageSource:
    """The images of a split and domain, looked up once. Raises Unusable if that fails."""

    def find() -> ImageSource:
        dataset = dataset_of(subject)
        try:
            return dataset.source(split, domain)
        except Exception as error:
            raise Unusable(
                "has_training_images",
                f"source({split!r}, {domain!r}) raises {blamed(error, subject.code)}; if it is "
                "right to, give settings with which it finds its data",
            ) from error

    return subject.once(f"source {split} {domain}", find)


def sources_of(subject: Subject) -> list[tuple[str, ImageSource]]:
    """Every source, with what to call it in a message."""
    return [
        (f"source({split!r}, {domain!r})", source_of(subject, split, domain))
        for split in SPLITS
        for domain in DOMAINS
    ]


def use(subject: Subject) -> None:
    """Read an image."""
    for _, source in sources_of(subject):
        for index in _first(source)[:1]:
            source.image(index)


def making_it_reads_nothing(subject: Subject) -> None:
    """It can be made where its data is not; only its sources read."""
    config, nowhere = subject.config, subject.folder("nothing") / "not there"
    try:
        dataset: Dataset = config.build(base_dir=nowhere)
        for domain in DOMAINS:
            dataset.files(domain)
    except Exception as error:
        raise CheckFailed(
            f"in a folder without its data, making it or files() raises "
            f"{blamed(error, subject.code)}; read in source(), since a translation needs the "
            "dataset's settings where there is no data"
        ) from error


def has_training_images(subject: Subject) -> None:
    """Both domains have training images, and a split that is not there is empty."""
    for domain in DOMAINS:
        count = len(source_of(subject, "train", domain))
        need(
            count > 0,
            f"source('train', {domain!r}) is empty: give images, or raise a DataError that says "
            "where they should be",
        )
        len(source_of(subject, "test", domain))


def images_are_readable(subject: Subject) -> None:
    """An image is a PIL image, or a float32 tensor in [-1, 1], of the channels that it says."""
    dataset = dataset_of(subject)
    for (name, source), domain in zip(sources_of(subject), [*DOMAINS, *DOMAINS], strict=True):
        channels = dataset.channels(domain)
        for index in _first(source):
            image, what = source.image(index), f"{name}.image({index})"
            need(
                isinstance(image, Image.Image | torch.Tensor),
                f"{what} is {type(image).__name__}: give a PIL image, or a torch.Tensor",
            )
            try:
                tensor = to_tensor(image, channels)
            except DataError as error:
                raise CheckFailed(
                    f"{what} does not fit channels({domain!r}) = {channels}: {error}; correct one "
                    "of them"
                ) from None
            if isinstance(image, torch.Tensor):
                need(
                    image.dtype == torch.float32,
                    f"{what} is {image.dtype}: give float32, as in .float()",
                )
            need(
                bool(torch.isfinite(tensor).all()) and float(tensor.abs().max()) <= 1,
                f"{what} has values from {float(tensor.min()):.4g} to {float(tensor.max()):.4g}: "
                "scale them to [-1, 1], and leave none that is not finite",
            )


def images_can_be_told_apart(subject: Subject) -> None:
    """Images differ, and each has a label of its own."""
    for name, source in sources_of(subject):
        labels = [source.label(index) for index in range(min(len(source), 1000))]
        blank = [index for index, label in enumerate(labels) if not str(label).strip()]
        need(not blank, f"{name}.label({blank[:1]}) is blank: give a path or a name")
        need(
            len(set(labels)) == len(labels),
            f"{name} has {len(labels)} labels of which {len(set(labels))} differ: give each image "
            "a label of its own",
        )
        shown = [digest(source.image(index)) for index in _first(source)]
        need(
            len(set(shown)) == len(shown),
            f"the first {len(shown)} images of {name} are not all different: use `index`",
        )


def gives_the_same_image_again(subject: Subject) -> None:
    """An image is the same each time it is asked for."""
    for name, source in sources_of(subject):
        for index in _first(source):
            first, again = (digest(source.image(index)) for _ in range(2))
            need(
                first == again,
                f"{name}.image({index}) gives two different images: crops, flips and other "
                "randomness belong to the framework's transform",
            )


def gives_a_new_image_each_time(subject: Subject) -> None:
    """An image stays as it is when the next one is asked for."""
    for name, source in sources_of(subject):
        if len(source) < 2:
            continue
        held = source.image(0)
        before = digest(held)
        source.image(1)
        need(
            digest(held) == before,
            f"{name}.image(1) changes what {name}.image(0) gave: give a new image each time, not "
            "one buffer that is filled again",
        )


def origins_name_images(subject: Subject) -> None:
    """An image's origin is its file, or a text that no other image has; the same each time."""
    shown = dict[str, str]()
    for name, source in sources_of(subject):
        for index in _first(source):
            origin, what = source.origin(index), f"{name}.origin({index})"
            need(
                origin is None or isinstance(origin, Path | str),
                f"{what} is {type(origin).__name__}: give the path of a file, a text, or None",
            )
            need(
                origin == source.origin(index),
                f"{what} gives two different origins: give what the image always comes from",
            )
            if isinstance(origin, Path):
                need(origin.is_file(), f"{what} is {origin}, which is no file: give None")
            elif origin is not None:
                image = digest(source.image(index))
                need(
                    shown.setdefault(origin, image) == image,
                    f"{what} is {origin!r}, as that of another image is: let the text name all "
                    "that the pixels depend on, or give None",
                )


def survives_a_spawned_process(subject: Subject) -> None:
    """A source, sent to a spawned process, gives the same images there."""
    sources = sources_of(subject)
    files = tuple(origin.file for origin in subject.registry.file_plugins() if origin.file)
    advice = (
        "define the source's class at the top of a module, and keep no open files, lambdas or "
        "locks in it: open files in image()"
    )
    try:
        sent = pickle.dumps((FilePlugins(files), [source for _, source in sources]))
    except Exception as error:  # pickle raises many kinds
        raise CheckFailed(f"its sources cannot be pickled: {error}; {advice}") from error
    here = [[digest(source.image(i)) for i in _first(source)] for _, source in sources]
    there = digests_of(sent, LOOKED_AT)
    need(there is not None, f"the process that unpickles its sources dies or hangs; {advice}")
    assert there is not None
    need(not isinstance(there, str), f"in a spawned process, its sources raise {there}; {advice}")
    for (name, _), mine, theirs in zip(sources, here, there, strict=True):
        need(
            mine == theirs,
            f"{name} gives other images in a spawned process: let them depend on its fields "
            "alone, not on globals, hash() or what is already in memory",
        )


def paired_images_match(subject: Subject) -> None:
    """In a paired split, both domains have as many images, of equal sizes."""
    paired = [split for split in SPLITS if dataset_of(subject).paired(split)]
    if not paired:
        raise Skipped("no split is paired")
    for split in paired:
        a, b = (source_of(subject, split, domain) for domain in DOMAINS)
        need(
            len(a) == len(b),
            f"paired({split!r}) is True, but there are {len(a)} images of a and {len(b)} of b: "
            "leave out those without a partner, or give False",
        )
        for index in _first(a):
            sizes = [_size(source.image(index)) for source in (a, b)]
            need(
                sizes[0] == sizes[1],
                f"paired({split!r}) is True, but image {index} is {sizes[0]} in a and {sizes[1]} "
                "in b (width, height): bring a pair to one size",
            )


def _first(source: ImageSource) -> range:
    return range(min(LOOKED_AT, len(source)))


def _size(image: Any) -> tuple[int, int]:
    if isinstance(image, torch.Tensor):
        return image.shape[-1], image.shape[-2]
    width, height = image.size
    return width, height


CHECKS: tuple[Check, ...] = checks(
    "dataset",
    making_it_reads_nothing,
    has_training_images,
    images_are_readable,
    images_can_be_told_apart,
    gives_the_same_image_again,
    gives_a_new_image_each_time,
    origins_name_images,
    survives_a_spawned_process,
    paired_images_match,
)
