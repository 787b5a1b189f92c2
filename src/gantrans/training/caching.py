"""Which training images are cached: a cache is opened if it is still right, else built."""

from __future__ import annotations

import hashlib
import inspect
import json
import math
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import PIL
import torch

from gantrans import __version__
from gantrans.api.step import Domain
from gantrans.training.assemble import Job
from gantrans.training.cache import ImageCache, Stored, header_bytes, read_header
from gantrans.training.cache_builder import (
    NoCacheError,
    SettledImages,
    build,
    file_digest,
    file_state,
)
from gantrans.training.cache_folder import cache_folder, clear_abandoned, make_room
from gantrans.training.data import TrainingSamples

GIB = 2**30


def with_caches(
    job: Job,
    *,
    say: Callable[[str], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> TrainingSamples:
    """The samples of a job, read from caches where their sources say where images come from.

    A set of images that has no room is read as before, and a line says so.

    Args:
        job: the run.
        say: takes lines on what takes long, and on what is not cached; absent: caches that are
            there are used, and none is made or changed.
        stop: whether to give up building.

    Raises:
        DataError: for an unreadable image.
    """
    samples, caches = job.samples, dict[Domain, ImageCache]()
    if not job.spec.data.cache_gib:
        return samples
    if say is not None:
        clear_abandoned(cache_folder())
        make_room(cache_folder(), 0, int(job.spec.data.cache_gib * GIB), ())  # it may be less now
    for domain in samples.sources:
        cache = _cache(job, domain, caches, say=say, stop=stop)
        if cache is not None:
            caches[domain] = cache
    return replace(samples, caches=caches)


def _cache(
    job: Job,
    domain: Domain,
    in_use: Mapping[Domain, ImageCache],
    *,
    say: Callable[[str], None] | None,
    stop: Callable[[], bool],
) -> ImageCache | None:
    samples, called = job.samples, f"the images of {getattr(job.spec.domains, domain)}"
    source = samples.sources[domain]
    found = [source.origin(index) for index in range(len(source))]
    origins = [os.path.abspath(o) if isinstance(o, Path) else o for o in found if o is not None]  # noqa: PTH100
    if len(origins) < len(found):
        return None
    made_for = _made_for(job, domain)
    name = hashlib.sha256(json.dumps(made_for, sort_keys=True).encode()).hexdigest()[:32]
    path = cache_folder() / f"{name}.cache"
    if kept := _still_right(path, made_for, origins):
        return kept
    if say is None:
        return None
    images = SettledImages(
        samples.plugins,
        source,
        samples.transform.of(domain).fixed(),
        samples.channels[domain],
    )
    bound = int(job.spec.data.cache_gib * GIB)
    keep = [cache.path for cache in in_use.values()]

    def told(done: int) -> None:
        say(f"decoding and resizing {called}: {done} of {len(images)} are cached")

    try:
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        needed = images.estimate()
        if not make_room(path.parent, needed, bound, keep):
            taken = needed + sum(one.stat().st_size for one in keep)
            at_least = math.ceil(10 * taken / GIB + 0.1) / 10
            raise NoCacheError(
                f"they take {needed / GIB:.2f} GiB and data.cache_gib is "
                f"{job.spec.data.cache_gib:g}; {at_least:g} would do"
            )
        if needed > shutil.disk_usage(path.parent).free:
            raise NoCacheError(
                f"they take {needed / GIB:.2f} GiB, which {path.parent} has not free"
            )
        cache = build(
            path,
            images,
            made_for,
            origins,
            workers=job.spec.data.workers,
            bound=bound,
            told=told,
            stop=stop,
        )
        make_room(path.parent, 0, bound, [*keep, path])
    except (NoCacheError, OSError) as error:
        if not stop():
            say(f"{called} are decoded and resized each time, not cached: {error}")
        return None
    return cache


def _made_for(job: Job, domain: Domain) -> dict[str, Any]:
    """All that decides the pixels, beside the files that the images come from."""
    data, samples = job.spec.data, job.samples
    code = dict[str, str]()
    for part in (type(job.dataset), type(samples.sources[domain])):
        with suppress(OSError, TypeError):  # without a file, as in a notebook
            code[part.__qualname__] = file_digest(Path(inspect.getfile(part)))
    return {
        "versions": [__version__, PIL.__version__, torch.__version__],
        "code": code,
        "dataset": data.component.name,
        "settings": data.model_dump(
            mode="json", exclude={"transform", "repeat", "workers", "cache_gib"}
        ),
        "folder": str(job.dataset.base_dir.absolute()),
        "split": "train",
        "domain": domain,
        "transform": samples.transform.of(domain).fixed().model_dump(mode="json"),
        "channels": samples.channels[domain],
    }


def _still_right(path: Path, made_for: Mapping[str, Any], origins: list[str]) -> ImageCache | None:
    """The cache at `path`, if there is one of these images as they are now."""
    header = read_header(path)
    if header is None or header[0] != made_for or [one.origin for one in header[1]] != origins:
        return None
    try:
        now = [_renewed(one) for one in header[1]]
        if None in now:
            return None
        stored = [one for one in now if one is not None]
        if stored != header[1]:
            with path.open("ab") as file:
                file.write(header_bytes(made_for, stored))
        os.utime(path)  # used just now
    except OSError:
        return None
    return ImageCache(path, stored)


def _renewed(one: Stored) -> Stored | None:
    """What is stored of an image, with its file's state as it is now; None if its bytes changed."""
    if not one.sha256:
        return one
    path = Path(one.origin)
    state = file_state(path)
    if state == one.stat:
        return one
    return replace(one, stat=state) if file_digest(path) == one.sha256 else None
