"""A check of the test images before the first step: one that is bad is not found after hours."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

from gantrans.api.dataset import Dataset, ImageSource
from gantrans.api.image import IMAGE_SUFFIXES
from gantrans.api.step import Domain
from gantrans.data_check.header import UNREAD, read_header
from gantrans.data_check.reading import quiet_about_large_ones
from gantrans.errors import DataError
from gantrans.training.assemble import Job
from gantrans.training.evaluate import Evaluation
from gantrans.training.faults import blaming

SAID_FIRST, SAID_EVERY = 1.0, 10.0
"""Seconds to the first line on how far it is, and between lines."""


def check_test_images(job: Job, say: Callable[[str], None] = lambda line: None) -> None:
    """Raise the error now that an evaluation would meet later.

    The first images are prepared as an evaluation prepares them. Of the others the headers of the
    files are read, which takes much less time than one evaluation; an image is prepared too if its
    header is unreadable, tells of pixels that are not used, of fewer than the crop needs, or of
    another size than its partner has. Nothing is checked where nothing will be measured.

    Args:
        job: the run; where several ranks train, all of them have to call.
        say: takes a line on how far it is, now and then.

    Raises:
        DataError: on all ranks, naming the first image that cannot be used.
        PluginError: if a plugin's data set fails.
    """
    error = None
    if job.ranks.here[0] == 0:  # the ranks of a machine have the same files
        try:
            with blaming(job.loaded), quiet_about_large_ones():
                _check(job, say)
        except DataError as wrong:
            error = wrong
    job.ranks.raise_any(error)


def _check(job: Job, say: Callable[[str], None]) -> None:
    evaluation, dataset = Evaluation.of(job), job.dataset
    if not evaluation.possible:
        return
    images = evaluation.images.images
    sources = images.sources
    groups = [tuple(sources)] if evaluation.images.paired else [(domain,) for domain in sources]
    total = sum(len(source) for source in sources.values())
    done, said = 0, time.monotonic() - SAID_EVERY + SAID_FIRST
    for domains in groups:
        members = {domain: sources[domain] for domain in domains}
        for index in range(len(sources[domains[0]])):
            if index == 0 or not _looks_sound(dataset, members, index):
                images.pixels(domains, index)
            done += len(members)
            if time.monotonic() - said > SAID_EVERY:
                say(f"looking at the test images: {done} of {total}")
                said = time.monotonic()


def _looks_sound(dataset: Dataset, members: Mapping[Domain, ImageSource], index: int) -> bool:
    """Return False if the headers of an image's files give a reason to look at their pixels."""
    sizes = set()
    for domain, source in members.items():
        origin, transform = source.origin(index), dataset.config.transform.of(domain)
        if not isinstance(origin, Path) or origin.suffix.lower() not in IMAGE_SUFFIXES:
            continue  # nothing is known without reading it
        try:
            header = read_header(origin)
        except Exception:  # of damaged files Pillow raises whatever comes up
            return False
        sizes.add(header.size)
        if header.stored in UNREAD:
            return False
        if transform.crop is not None and min(transform.resized(*header.size)) < transform.crop:
            return False
    return len(sizes) <= 1
