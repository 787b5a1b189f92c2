"""The image manifest: which images a run is trained and judged on, to say when they change."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gantrans.api.dataset import ImageSource
from gantrans.errors import FileError
from gantrans.io.received import parse_json, read_bytes
from gantrans.training.assemble import Job

MANIFEST = "images.json"

LISTED = 3
"""How many names of one kind of change a line has."""

MANY = 20_000
"""Images whose names and sizes a slow disk may need seconds for."""

LARGEST = 2**29
"""Bytes of a manifest; a million names have about 50 MB."""

Mark = int | None


def image_manifest(job: Job, say: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Return the names and marks of all images, by split and domain, as JSON.

    The mark of an image is the size of its file in bytes; of an image that is no file, the CRC-32
    of the text that says what it shows; None where neither is known. No file is opened.

    Args:
        job: the run.
        say: takes a line where there are so many images that this takes seconds.
    """
    train = job.samples.sources
    sources = {"train": train, "test": {d: job.dataset.source("test", d) for d in train}}
    total = sum(len(source) for group in sources.values() for source in group.values())
    if total > MANY:
        say(f"noting the names and sizes of {total} images")
    return {
        split: {
            domain: {
                "names": [source.label(n) for n in range(len(source))],
                "marks": [_mark(source, n) for n in range(len(source))],
            }
            for domain, source in group.items()
        }
        for split, group in sources.items()
    }


def manifest_changes(path: Path, now: Mapping[str, Any], domains: Mapping[str, str]) -> list[str]:
    """Return a line for each split and domain whose images are others than in an earlier manifest.

    Args:
        path: the file of the earlier manifest; without it, a line says that nothing is compared.
        now: the manifest of the images as they are.
        domains: names of the domains.
    """
    try:
        before = parse_json(read_bytes(path, within=path.parent, most=LARGEST))
        return [
            f"the {split} images of {domains[domain]} are not those that the run was last trained "
            f"with: {change}. {_MEANING[split]}"
            for split, groups in now.items()
            for domain, group in groups.items()
            for change in _changes(before[split][domain], group)
        ]
    except FileError as error:
        return [f"the images are not compared with those of before: {error}"]
    except (ValueError, LookupError, TypeError):
        return [f"the images are not compared with those of before: {path} is damaged"]


_MEANING = {
    "train": "The run goes on, but will not equal an uninterrupted one",
    "test": "Metrics of before cannot be compared with those that follow",
}


def _mark(source: ImageSource, index: int) -> Mark:
    origin = source.origin(index)
    if isinstance(origin, str):
        return zlib.crc32(origin.encode(errors="surrogateescape"))
    try:
        return None if origin is None else origin.stat().st_size
    except OSError:
        return None


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Say in one text how the images of a group changed; nothing if they did not."""
    if before == now:
        return
    then, here = (dict(zip(g["names"], g["marks"], strict=True)) for g in (before, now))
    kinds = {
        "added": [name for name in here if name not in then],
        "gone": [name for name in then if name not in here],
        "changed": [name for name in here if name in then and here[name] != then[name]],
    }
    if found := [
        f"{len(names)} {kind} ({_listed(names)})" for kind, names in kinds.items() if names
    ]:
        yield ", ".join(found)
    else:
        yield f"{len(before['names'])} are now {len(now['names'])}, or come in another order"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:LISTED]) + (", ..." if len(names) > LISTED else "")
