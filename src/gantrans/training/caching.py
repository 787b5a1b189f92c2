"""Which images are cached: a cache is opened if it is still right, else built."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import PIL
import torch

from gantrans import __version__
from gantrans.api.dataset import ImageSource, Split
from gantrans.api.step import Domain
from gantrans.api.transform import DomainTransform
from gantrans.training import transform as preprocessing
from gantrans.training.assemble import Job
from gantrans.training.cache import ImageCache, Stored, header_bytes, read_header
from gantrans.training.cache_builder import (
    NoCacheError,
    SettledImages,
    build,
    file_digest,
    file_state,
)
from gantrans.training.cache_folder import (
    cache_file,
    cache_folder,
    clear_abandoned,
    make_room,
    named_folder,
    open_own,
)
from gantrans.training.data import TrainingSamples

GIB = 2**30


Sources = Mapping[Split, Mapping[Domain, ImageSource]]
Caches = Mapping[Split, Mapping[Domain, ImageCache]]


def with_caches(
    job: Job,
    *,
    say: Callable[[str], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> TrainingSamples:
    """The samples of a job, read from caches as of `open_caches`."""
    caches = open_caches(job, {"train": job.samples.sources}, say=say, stop=stop)
    return replace(job.samples, caches=caches["train"])


def open_caches(
    job: Job,
    sources: Sources,
    *,
    say: Callable[[str], None] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Caches:
    """Caches of images, where their sources say where the images come from.

    A set of images that has no room gets none, and a line says so.

    Args:
        job: the run.
        sources: what to cache, by split and domain; what comes first has the first claim on room.
        say: takes lines on what takes long, and on what is not cached; absent: caches that are
            there are used, and none is made or changed.
        stop: whether to give up building.

    Raises:
        DataError: for an unreadable image.
    """
    caches: dict[Split, dict[Domain, ImageCache]] = {split: {} for split in sources}
    if not job.spec.data.cache_gib:
        return caches
    try:
        folder = cache_folder()
    except OSError as error:
        if say is not None:
            say(f"images are decoded and resized each time, not cached: {error}")
        return caches
    if say is not None:
        if folder != (named := named_folder()):
            say(f"{named} belongs to another user: images are cached in {folder}")
        clear_abandoned(folder)
        make_room(folder, 0, int(job.spec.data.cache_gib * GIB), ())  # it may be less now
    for split, of_split in sources.items():
        for domain, source in of_split.items():
            in_use = [cache for some in caches.values() for cache in some.values()]
            cache = _cache(job, split, domain, source, in_use, say=say, stop=stop)
            if cache is not None:
                caches[split][domain] = cache
    return caches


def _cache(
    job: Job,
    split: Split,
    domain: Domain,
    source: ImageSource,
    in_use: Sequence[ImageCache],
    *,
    say: Callable[[str], None] | None,
    stop: Callable[[], bool],
) -> ImageCache | None:
    samples, kind = job.samples, "images" if split == "train" else "test images"
    called = f"the {kind} of {getattr(job.spec.domains, domain)}"
    transform = samples.transform.of(domain)
    kept_as = transform.fixed() if split == "train" else transform.resize_only()
    found = [source.origin(index) for index in range(len(source))]
    # Without "..", and without following links, which may lead elsewhere tomorrow.
    origins = [os.path.abspath(o) if isinstance(o, Path) else o for o in found if o is not None]  # noqa: PTH100
    if len(origins) < len(found):
        return None
    made_for = _made_for(job, split, domain, source, kept_as)
    name = hashlib.sha256(json.dumps(made_for, sort_keys=True).encode()).hexdigest()[:32]
    path = cache_file(name)
    if kept := _still_right(path, made_for, origins, renew=say is not None):
        return kept
    if say is None:
        return None
    images = SettledImages(
        samples.plugins,
        source,
        kept_as,
        samples.channels[domain],
    )
    bound = int(job.spec.data.cache_gib * GIB)
    keep = [cache.path for cache in in_use]

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


def _made_for(
    job: Job, split: Split, domain: Domain, source: ImageSource, transform: DomainTransform
) -> dict[str, Any]:
    """All that decides the pixels, beside the files that the images come from."""
    data, samples = job.spec.data, job.samples
    origin = job.loaded.registry.entry("dataset", data.component.name).origin
    return {
        "user": os.getuid() if sys.platform != "win32" else 0,  # nobody reads another's files
        "versions": [__version__, PIL.__version__, torch.__version__],
        "plugin": [origin.name, origin.version, origin.sha256],
        "code": _code([type(job.dataset), type(source)]),
        "dataset": data.component.name,
        "settings": data.model_dump(
            mode="json", exclude={"transform", "repeat", "workers", "cache_gib"}
        ),
        "folder": str(job.dataset.base_dir.absolute()),
        "split": split,
        "domain": domain,
        "transform": transform.model_dump(mode="json"),
        "channels": samples.channels[domain],
    }


def _code(classes: Sequence[type]) -> str:
    """A digest of the code that makes pixels: of the packages that these classes, and those that
    they derive from, are in, or of their one file; and of what converts and resizes."""
    files = {Path(preprocessing.__file__)}
    for part in {base for one in classes for base in one.__mro__}:
        module = sys.modules.get(part.__module__)
        if file := getattr(module, "__file__", None):  # a notebook has none
            packaged = getattr(module, "__package__", "")
            files.update(Path(file).parent.rglob("*.py") if packaged else [Path(file)])
    digests = set[str]()
    for file in files:
        with suppress(OSError):
            digests.add(file_digest(file))
    return hashlib.sha256("".join(sorted(digests)).encode()).hexdigest()  # wherever they lie


def _still_right(
    path: Path, made_for: Mapping[str, Any], origins: list[str], *, renew: bool
) -> ImageCache | None:
    """The cache at `path`, if there is one of these images as they are now.

    If `renew`, it takes note of files that have changed without changing their bytes, and of its
    use; where it may not be written to, it is right all the same.
    """
    header = read_header(path)
    if header is None or header[0] != made_for or [one.origin for one in header[1]] != origins:
        return None
    try:
        now = [_renewed(one) for one in header[1]]
        if None in now:
            return None
        stored = [one for one in now if one is not None]
    except OSError:
        return None
    if renew:
        with suppress(OSError):
            if stored != header[1]:
                with open_own(path, append=True) as file:
                    file.write(header_bytes(made_for, stored))
            os.utime(path)  # used just now
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
