"""Caches: the same batches with and without, whatever happened to the files since."""

from __future__ import annotations

import errno
import importlib
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from gantrans.errors import DataError
from gantrans.training import cache_builder, cache_folder, caching
from gantrans.training.assemble import Job
from gantrans.training.batch import LoadedBatch
from gantrans.training.cache import read_header
from gantrans.training.caching import open_caches, with_caches
from gantrans.training.data import TrainingSamples, training_batches
from tiny_run import tiny_job

COUNT = 5
CUT = {"resize": 20, "crop": 16, "rotate": True, "jitter": {"hue": 0.1}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where caches go."""
    monkeypatch.setenv("GANTRANS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Images of several sizes and kinds."""
    for n in range(COUNT):
        for domain in "AB":
            place = tmp_path / f"data/train{domain}/{n}.{'png' if domain == 'A' else 'jpg'}"
            place.parent.mkdir(parents=True, exist_ok=True)
            image = Image.effect_noise((24 + 2 * n, 30), 90)
            (image.convert("RGB") if n else image).save(place)
    return tmp_path / "data"


def job_of(root: Path, transform: dict[str, Any] = CUT, **data: Any) -> Job:
    of_drawings = {"size": None, "train": None, "test": None}
    own = {"type": "unpaired_folder", "root": str(root), "transform": transform}
    return tiny_job(data={**of_drawings, **own, **data}, metrics={})


def cached(job: Job, said: list[str] | None = None) -> TrainingSamples:
    return with_caches(job, say=(said if said is not None else []).append)


def batches(of: TrainingSamples, *, workers: int = 0, first: int = 0) -> list[LoadedBatch]:
    found = training_batches(
        of, batch_size=2, first=first, last=7, workers=workers, pin_memory=False
    )
    return list(found)


def same(ours: list[LoadedBatch], theirs: list[LoadedBatch]) -> bool:
    cpu = torch.device("cpu")
    return len(ours) == len(theirs) and all(
        x.labels == y.labels
        and all(torch.equal(x.real[d], y.real[d]) for d in x.real)
        and all(x.real[d].is_contiguous() and y.real[d].is_contiguous() for d in x.real)
        and all(torch.equal(x.on(cpu)[d], y.on(cpu)[d]) for d in x.real)
        for x, y in zip(ours, theirs, strict=True)
    )


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


# The same batches


@pytest.mark.parametrize(
    "transform",
    [CUT, {**CUT, "zoom": [0.9, 1.3]}, {"crop": 16}, {"resize": [16, 24]}],
    ids=["resize", "zoom", "crop", "exact"],
)
def test_batches_are_bit_for_bit_those_without_a_cache(
    transform: dict[str, Any], root: Path
) -> None:
    job = job_of(root, transform)
    plain, kept = batches(job.samples), cached(job)
    assert set(kept.caches) == {"a", "b"}
    assert kept.ready == ("zoom" not in transform)
    assert same(batches(kept), plain)
    assert same(batches(cached(job)), plain)  # opened, not built
    assert same(batches(kept, first=3), plain[3:])
    if "zoom" in transform:
        assert same(batches(kept, workers=1), plain)


def test_a_paired_and_a_drawn_data_set_are_cached_too(root: Path, tmp_path: Path) -> None:
    wide = tmp_path / "wide"
    wide.mkdir()
    for n in range(3):
        Image.effect_noise((40, 20), 90).convert("RGB").save(wide / f"{n}.png")
    halves = job_of(wide, {"crop": 16}, type="paired_folder", side_by_side=True)
    drawn = tiny_job()
    for job in (halves, drawn):
        kept = cached(job)
        assert set(kept.caches) == {"a", "b"}
        assert same(batches(kept), batches(job.samples))


def test_pairs_of_two_sizes_are_refused_though_they_are_resized_to_one(tmp_path: Path) -> None:
    job = tiny_job(data={"pairs": True})
    kept = cached(job)
    other = kept.caches["b"]
    other.stored = [replace(one, size=(1, 1)) for one in other.stored]
    with pytest.raises(DataError, match="must have one size"):
        batches(kept)


def test_what_is_cached_is_not_read_again(root: Path) -> None:
    job = job_of(root)
    plain, kept = batches(job.samples), cached(job)
    shutil.rmtree(root)
    assert same(batches(kept), plain)


def test_a_cache_goes_to_another_process(root: Path) -> None:
    kept = cached(job_of(root))
    again = pickle.loads(pickle.dumps(kept))
    assert same(batches(again), batches(kept))


def test_without_room_for_caches_none_are_made(root: Path, folder: Path) -> None:
    assert cached(job_of(root, cache_gib=0)).caches == {}
    assert files(folder) == []


def test_a_test_split_is_cached_as_large_as_evaluation_wants_it(root: Path, folder: Path) -> None:
    shutil.copytree(root / "trainA", root / "testA")
    job = job_of(root, {**CUT, "zoom": [0.9, 1.3]})
    sources = {"train": job.samples.sources, "test": {"a": job.dataset.source("test", "a")}}
    caches = open_caches(job, sources, say=lambda line: None)
    sizes = {split: {one.shape[1:] for one in of["a"].stored} for split, of in caches.items()}
    assert (30, 24) in sizes["train"]  # a zoom is one resampling with the resize
    assert {min(size) for size in sizes["test"]} == {20}
    assert len(files(folder)) == 3
    again = open_caches(job, sources)  # opened, not built
    assert {split: set(of) for split, of in again.items()} == {"train": {"a", "b"}, "test": {"a"}}


# What is still right, and what is not


def test_a_changed_image_is_seen(root: Path, folder: Path) -> None:
    job = job_of(root)
    cached(job)
    [before] = [p for p in files(folder) if str(root / "trainA") in p.read_text("latin-1")]
    changed = root / "trainA/2.png"
    state = changed.stat()
    Image.effect_noise((28, 30), 90).convert("RGB").save(changed)
    os.utime(changed, ns=(state.st_mtime_ns, state.st_mtime_ns + 10**6))
    again = cached(job)
    assert same(batches(again), batches(job.samples))
    assert len(files(folder)) == 2 and before.exists()  # built in its place


def test_touched_files_with_the_same_bytes_are_not_decoded_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(root)
    plain = batches(job.samples)
    cached(job)
    for path in root.rglob("*.*"):
        os.utime(path, ns=(1, 10**9))

    def no_build(*_: Any, **__: Any) -> Any:
        raise AssertionError("built again")

    hashed: list[Path] = []
    digest = caching.file_digest
    monkeypatch.setattr(caching, "build", no_build)
    monkeypatch.setattr(caching, "file_digest", lambda p: hashed.append(p) or digest(p))
    kept = cached(job)
    assert same(batches(kept), plain)
    assert {p for p in hashed if p.suffix != ".py"} == set(root.rglob("*.*"))
    hashed.clear()
    assert set(cached(job).caches) == {"a", "b"}  # their new times were noted
    assert [p for p in hashed if p.suffix != ".py"] == []


@pytest.mark.parametrize("change", ["more", "fewer"])
def test_another_list_of_files_is_another_cache(change: str, root: Path) -> None:
    cached(job_of(root))
    if change == "more":
        shutil.copy(root / "trainA/1.png", root / "trainA/0a.png")
    else:
        (root / "trainA/1.png").unlink()
    job = job_of(root)
    assert same(batches(cached(job)), batches(job.samples))


def test_other_settings_have_another_cache(root: Path, folder: Path) -> None:
    for data in ({}, {"channels": 1}, {"transform": {"resize": 24, "crop": 16}}):
        job = job_of(root, **data)
        assert same(batches(cached(job)), batches(job.samples))
    assert len(files(folder)) == 6
    cached(job_of(root, {**CUT, "crop": 12, "flip": False}, repeat=2))  # crops are not cached
    assert len(files(folder)) == 6


@pytest.mark.parametrize("damage", ["cut short", "foreign", "empty", "header", "pixels"])
def test_a_damaged_cache_never_shows_wrong_pixels(damage: str, root: Path, folder: Path) -> None:
    job = job_of(root)
    plain = batches(job.samples)
    cached(job)
    for path in files(folder):
        whole = bytearray(path.read_bytes())
        match damage:
            case "cut short":
                whole = whole[: len(whole) // 2]
            case "foreign":
                whole = bytearray(b"something else" * 100)
            case "empty":
                whole = bytearray()
            case "header":
                whole[-100] ^= 1
            case "pixels":
                whole[500] ^= 1
        path.write_bytes(whole)
    assert same(batches(cached(job)), plain)
    assert same(batches(cached(job)), plain)
    assert all(read_header(path) for path in files(folder))


def test_a_reader_keeps_what_it_has_when_its_file_is_removed(root: Path, folder: Path) -> None:
    kept = cached(job_of(root))
    plain = batches(job_of(root).samples)
    shutil.rmtree(folder)
    assert same(batches(kept), plain)
    assert same(batches(pickle.loads(pickle.dumps(kept))), plain)  # reads the images themselves


def _build(root: Path, ready: Any) -> None:
    job = job_of(root)
    ready.wait()
    assert same(batches(cached(job)), batches(job.samples))


def test_two_processes_may_build_one_cache(root: Path, folder: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(2)
    builders = [context.Process(target=_build, args=(root, ready)) for _ in range(2)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join(60)
    assert [builder.exitcode for builder in builders] == [0, 0]
    assert [path.suffix for path in files(folder)] == [".cache", ".cache"]


# What stands in the folder


def test_files_of_others_in_the_folder_stay_and_count_for_nothing(root: Path, folder: Path) -> None:
    folder.mkdir()
    others = [folder / "download.iso.partial", folder / "theirs.cache"]
    for other in others:
        other.write_bytes(bytes(20_000))
    kept = cached(job_of(root, cache_gib=18_000 / 2**30))
    assert set(kept.caches) == {"a", "b"}
    assert all(other.exists() for other in others)


def test_images_beyond_the_bound_are_not_cached_and_a_line_says_what_would_do(
    root: Path, folder: Path
) -> None:
    # 5 images of at least 20 x 20 x 3 bytes are more than 6000: one domain has room.
    said: list[str] = []
    job = job_of(root, cache_gib=12000 / 2**30)
    kept = cached(job, said)
    assert set(kept.caches) == {"a"}
    [line] = said
    assert "images of b are decoded and resized each time" in line and "0.1 would do" in line
    assert same(batches(kept), batches(job.samples))
    assert cached(job_of(root, cache_gib=1000 / 2**30), said).caches == {}
    assert files(folder) == []  # what is there is held to the bound as well


def test_a_full_disk_is_said_and_training_goes_on(
    root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache_folder.os, "fsync", full)
    said: list[str] = []
    assert cached(job_of(root), said).caches == {}
    assert len(said) == 2 and "No space left on device" in said[0]
    assert files(folder) == []


def test_a_cache_that_must_not_be_written_to_is_used_all_the_same(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(root)
    cached(job)

    def refused(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(caching.os, "utime", refused)
    monkeypatch.setattr(caching, "build", refused)
    assert set(cached(job).caches) == {"a", "b"}


def test_without_a_home_nothing_is_cached_and_a_line_says_what_to_set(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("GANTRANS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(cache_folder.Path, "home", homeless)
    said: list[str] = []
    assert cached(job_of(root), said).caches == {}
    assert "GANTRANS_CACHE" in said[0]


def test_what_a_data_set_imports_from_its_package_is_part_of_what_a_cache_was_made_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "drawing"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "draw.py").write_text("COLOUR = 1\n")
    (package / "source.py").write_text("class Source:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    source = importlib.import_module("drawing.source").Source
    before = caching._code([source])
    assert caching._code([source]) == before
    (package / "draw.py").write_text("COLOUR = 2\n")
    assert caching._code([source]) != before


def test_pixels_do_not_come_through_shared_memory_when_a_cache_is_built(root: Path) -> None:
    """Of which a container has 64 MiB: without more, torch's processes would wait for ever."""
    job = job_of(root)
    images = cache_builder.SettledImages(
        job.samples.plugins, job.samples.sources["a"], job.spec.data.transform.of("a").fixed(), 3
    )
    read = images[0]
    assert isinstance(read, cache_builder.Read)
    assert not any(isinstance(value, torch.Tensor) for value in vars(read).values())
    assert cache_builder._as_it_is(read) is read


def test_what_a_killed_process_left_is_removed_and_a_living_ones_is_not(
    root: Path, folder: Path
) -> None:
    folder.mkdir()
    (folder / "images-dead-xyz.partial").write_bytes(b"half")
    code = (
        "import sys, pathlib; from gantrans.training.cache_folder import partial_file\n"
        f"with partial_file(pathlib.Path({str(folder / 'images-alive.cache')!r})):\n"
        "    print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        cached(job_of(root))
        names = [path.name for path in files(folder) if path.suffix == ".partial"]
        assert len(names) == 1 and names[0].startswith("images-alive")
        writer.kill()
    cached(job_of(root))
    assert [path.suffix for path in files(folder)] == [".cache", ".cache"]


def test_an_unreadable_image_is_named_before_the_first_step(root: Path, folder: Path) -> None:
    job = job_of(root)
    (root / "trainB/3.jpg").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"cannot read the image .*3\.jpg"):
        cached(job)
    assert [path.suffix for path in files(folder)] == [".cache"]


def test_building_ends_when_the_run_is_asked_to_stop(root: Path, folder: Path) -> None:
    said: list[str] = []
    assert with_caches(job_of(root), say=said.append, stop=lambda: True).caches == {}
    assert said == [] and files(folder) == []


def test_a_rehearsal_makes_no_cache_and_uses_one_that_is_there(root: Path, folder: Path) -> None:
    job = job_of(root)
    assert with_caches(job).caches == {}
    assert files(folder) == []
    cached(job)
    assert set(with_caches(job).caches) == {"a", "b"}


def test_closing_the_batches_ends_their_thread(root: Path) -> None:
    kept = cached(job_of(root))
    loaded: Any = training_batches(
        kept, batch_size=1, first=0, last=100, workers=2, pin_memory=False
    )
    with closing(loaded):
        next(loaded)
        assert any(t.name.startswith("gantrans-batches") for t in threading.enumerate())
    assert not any(t.name.startswith("gantrans-batches") for t in threading.enumerate())


# A folder that others write to

OTHER = 54321
"""Nobody's user id here."""

by_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away"
)


def given_away(path: Path) -> None:
    os.chown(path, OTHER, -1)


def made_writable(path: Path) -> None:
    path.chmod(0o620)


def made_a_link(path: Path) -> None:
    path.rename(path.with_suffix(".real"))
    path.symlink_to(path.with_suffix(".real"))


def made_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.skipif(sys.platform == "win32", reason="owners and modes of POSIX")
@pytest.mark.parametrize(
    "spoil",
    [pytest.param(given_away, marks=by_root), made_writable, made_a_link, made_a_pipe],
)
def test_a_cache_that_may_be_anothers_is_not_read_but_made_anew(
    spoil: Any, root: Path, folder: Path
) -> None:
    job = job_of(root)
    kept = cached(job)
    paths = [cache.path for cache in kept.caches.values()]
    before = [path.lstat().st_ino for path in paths]
    for path in paths:
        assert read_header(path)
        spoil(path)
        assert read_header(path) is None
    anew = cached(job)
    assert [cache.path for cache in anew.caches.values()] == paths
    assert not {path.lstat().st_ino for path in paths} & set(before)
    assert all(read_header(path) for path in paths)
    assert same(batches(anew), batches(job.samples))


@by_root
def test_a_cache_that_becomes_anothers_meanwhile_gives_no_pixels(root: Path) -> None:
    kept = cached(job_of(root))
    given_away(kept.caches["a"].path)
    elsewhere = pickle.loads(pickle.dumps(kept.caches["a"]))  # as a loading process gets it
    assert elsewhere.get(0) is None
    assert kept.caches["a"].get(0) is not None  # opened before


@by_root
def test_in_a_folder_of_another_caches_have_a_folder_of_their_own(root: Path, folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o1777)
    given_away(folder)
    job, said = job_of(root), list[str]()
    kept = cached(job, said)
    own = folder / f"user-{os.geteuid()}"
    assert {cache.path.parent for cache in kept.caches.values()} == {own}
    [line] = [line for line in said if "another user" in line]
    assert str(own) in line
    assert same(batches(kept), batches(job.samples))
    given_away(own)
    said.clear()
    assert not cached(job, said).caches
    assert "not cached" in said[0]
    assert str(own) in said[0]


@by_root
def test_files_of_others_are_neither_counted_nor_removed(tmp_path: Path) -> None:
    for name in ("images-a.cache", "images-b.cache", "images-c.partial", "images-d.partial"):
        (tmp_path / name).write_bytes(bytes(100))
    for name in ("images-a.cache", "images-c.partial"):
        given_away(tmp_path / name)
    cache_folder.clear_abandoned(tmp_path)
    assert cache_folder.make_room(tmp_path, 100, 150, [])
    assert {path.name for path in tmp_path.iterdir()} == {"images-a.cache", "images-c.partial"}
