from __future__ import annotations

import errno
import os
import shutil
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gantrans.api.files import ImageFiles
from gantrans.api.image import IMAGE_SUFFIXES, to_image, to_tensor
from gantrans.errors import DataError, GantransError, NonFiniteError, UsageError
from gantrans.inference.files import pipeline
from gantrans.inference.files.handling import Handling
from gantrans.inference.files.plan import Wanted, plan
from gantrans.inference.files.stills import Stills
from gantrans.inference.files.translate import translate_files
from gantrans.inference.translator import Translator, load
from gantrans.inference.weights import load_generator

FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}


@pytest.fixture
def translator(tmp_path, save) -> Translator:
    save(tmp_path / "g.safetensors")
    return load(tmp_path / "g.safetensors", device="cpu")


def photo(path: Path, size: tuple[int, int] = (24, 16), seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def work(
    translator: Translator,
    inputs: list[Path],
    out: Path,
    *,
    handling: Handling | None = None,
    **options,
):
    return list(translate_files(translator, plan(inputs, out, **options).jobs, None, handling))


@pytest.mark.parametrize("suffix", sorted(IMAGE_SUFFIXES))
def test_every_format_stays_what_it_is(tmp_path, translator, suffix):
    source = photo(tmp_path / "in" / f"a{suffix}", (13, 9))
    [outcome] = work(translator, [source], tmp_path / "out")
    assert outcome.error is None
    with Image.open(tmp_path / "out" / f"a{suffix}") as result, Image.open(source) as given:
        assert (result.format, result.size) == (FORMATS[suffix], (13, 9))
        expected = np.asarray(translator.translate(given), dtype=float)
        difference = np.abs(np.asarray(result.convert("RGB"), dtype=float) - expected)
    assert difference.mean() < 4 if FORMATS[suffix] == "JPEG" else difference.max() == 0


def test_a_suffix_in_capitals_is_kept(tmp_path, translator):
    source = photo(tmp_path / "in" / "a.png").rename(tmp_path / "in" / "A.PNG")
    work(translator, [source], tmp_path / "out")
    with Image.open(tmp_path / "out" / "A.PNG") as result:
        assert result.format == "PNG"


def test_jpeg_keeps_the_resolution_of_colour(tmp_path, translator):
    work(translator, [photo(tmp_path / "in" / "a.jpg")], tmp_path / "out")
    with Image.open(tmp_path / "out" / "a.jpg") as result:
        sampling = {(h, v) for _, h, v, _ in result.layer}
    assert sampling == {(1, 1)}


def test_a_photo_that_lies_on_its_side_is_written_upright(tmp_path, translator):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (10, 20), "red").save(tmp_path / "a.jpg", exif=exif)
    work(translator, [tmp_path / "a.jpg"], tmp_path / "out")
    with Image.open(tmp_path / "out" / "a.jpg") as result:
        assert result.size == (20, 10)
        assert result.getexif().get(0x0112, 1) == 1


def test_one_broken_input_is_reported_and_the_others_are_done(tmp_path, translator):
    good = [photo(tmp_path / "in" / name) for name in ("a.png", "c.png")]
    broken = tmp_path / "in" / "b.png"
    broken.write_bytes(good[0].read_bytes()[:-40])
    outcomes = work(translator, [tmp_path / "in"], tmp_path / "out")
    assert [type(outcome.error) for outcome in outcomes] == [type(None), DataError, type(None)]
    assert str(broken) in str(outcomes[1].error)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "c.png"]


def test_an_image_that_cannot_be_translated_is_named(tmp_path, translator):
    source = photo(tmp_path / "in" / "a.png")
    with torch.no_grad():
        next(translator.generators["winter"].parameters()).fill_(float("nan"))
    [outcome] = work(translator, [source], tmp_path / "out")
    assert isinstance(outcome.error, NonFiniteError)
    assert str(source) in str(outcome.error)
    assert not (tmp_path / "out").exists()


def test_the_longest_names_can_be_written(tmp_path, translator):
    source = photo(tmp_path / "in" / f"{'n' * 251}.png")
    [outcome] = work(translator, [source], tmp_path / "out")
    assert outcome.error is None
    assert [path.name for path in (tmp_path / "out").iterdir()] == [source.name]


def test_an_overwritten_output_is_the_new_one(tmp_path, translator):
    source = photo(tmp_path / "in" / "a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").write_bytes(b"old")
    work(translator, [source], tmp_path / "out", overwrite=True)
    with Image.open(tmp_path / "out" / "a.png") as result:
        assert result.size == (24, 16)


def test_a_full_disk_stops_the_work_keeps_what_is_done_and_leaves_no_halves(
    tmp_path, translator, monkeypatch
):
    inputs = [photo(tmp_path / "in" / name) for name in ("a.png", "b.png", "c.png")]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.png").write_bytes(b"old")
    write = Path.write_bytes
    written = []

    def write_until_full(path, content):
        written.append(path)
        if len(written) == 2:
            write(path, content[:20])
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, content)

    monkeypatch.setattr(Path, "write_bytes", write_until_full)
    with pytest.raises(GantransError, match=r"b\.png: No space left.* image 2 of 3"):
        work(translator, inputs, tmp_path / "out", overwrite=True, handling=Handling(workers=1))
    left = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert left in (["a.png", "b.png"], ["a.png", "b.png", "c.png"])
    assert (tmp_path / "out" / "b.png").read_bytes() == b"old"


def test_a_disk_that_is_really_full(tmp_path, translator):
    inputs = [photo(tmp_path / "in" / f"{n}.png", (60, 60), n) for n in range(4)]
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=20k", "tmpfs", disk]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        with pytest.raises(GantransError, match=r"\.png: No space left .*make room"):
            work(translator, inputs, disk / "out")
        for path in (disk / "out").iterdir():
            with Image.open(path) as image:
                image.load()
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_disk_that_is_read_only_is_refused_before_any_work(tmp_path):
    source = photo(tmp_path / "in" / "a.png")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", disk]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        with pytest.raises(UsageError, match=f"{disk} is read-only, or .*; give another --out"):
            plan([source], disk / "out")
    finally:
        subprocess.run(["umount", disk], check=True)


def test_an_output_that_cannot_be_written_stops_the_work(tmp_path, translator):
    """A file is in the way of a folder: root, who runs the tests, may write everywhere else."""
    source = photo(tmp_path / "in" / "sub" / "a.png")
    out = tmp_path / "out"
    jobs = plan([source.parent.parent], out, recursive=True).jobs
    out.mkdir()
    (out / "sub").write_bytes(b"in the way")
    with pytest.raises(GantransError, match=rf"cannot write {out}/sub/a\.png: .*another --out"):
        list(translate_files(translator, jobs))
    assert (out / "sub").read_bytes() == b"in the way"


def test_ctrl_c_leaves_no_half_image(tmp_path, translator, monkeypatch):
    source = photo(tmp_path / "in" / "a.png")
    write = Path.write_bytes

    def interrupted(path, content):
        write(path, b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        work(translator, [source], tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("batch_size", [1, 4])
def test_outcomes_come_in_the_order_of_the_jobs_whatever_goes_together(
    tmp_path, translator, batch_size
):
    for number in range(12):
        photo(tmp_path / "in" / f"{number:02}.png", (24 if number % 3 else 16, 16), number)
    (tmp_path / "in" / "05.png").write_bytes(b"broken")
    seen = []
    jobs = plan([tmp_path / "in"], tmp_path / "out").jobs
    outcomes = list(
        translate_files(translator, jobs, None, Handling(batch_size, workers=3), seen.append)
    )
    assert [outcome.job for outcome in outcomes] == list(jobs)
    assert [o.job.source.name for o in outcomes if o.error] == ["05.png"]
    assert sum(seen) == 11
    for outcome in outcomes:
        if not outcome.error:
            with Image.open(outcome.job.source) as given, Image.open(outcome.job.target) as result:
                expected = np.asarray(translator.translate(given), dtype=int)
                difference = np.abs(np.asarray(result, dtype=int) - expected)
                assert difference.max() <= 1, outcome


def test_a_batch_has_images_of_one_size_and_no_more_than_wanted(tmp_path, translator, monkeypatch):
    for number in range(8):
        photo(tmp_path / "in" / f"{number}.png", (24 if number % 2 else 16, 16))
    shapes = []
    run = translator._whole

    def watched(images, to):
        shapes.append((len(images), images.shape[-1]))
        return run(images, to)

    monkeypatch.setattr(translator, "_whole", watched)
    work(translator, [tmp_path / "in"], tmp_path / "out", handling=Handling(batch_size=3))
    assert sorted(shapes) == [(1, 16), (1, 24), (3, 16), (3, 24)]


def test_only_so_many_images_wait(tmp_path, translator, monkeypatch):
    for number in range(30):
        photo(tmp_path / "in" / f"{number:02}.png")
    read, most = [0], [0]
    plain = Stills.read

    def counted(self, job):
        read[0] += 1
        return plain(self, job)

    monkeypatch.setattr(Stills, "read", counted)
    jobs = plan([tmp_path / "in"], tmp_path / "out").jobs
    for number, _ in enumerate(translate_files(translator, jobs, None, Handling(workers=2)), 1):
        most[0] = max(most[0], read[0] - number)
    assert read[0] == 30
    assert most[0] <= 2 * (2 + 2) + 1


def test_large_images_are_not_read_far_ahead_nor_written_far_behind(
    tmp_path, translator, monkeypatch
):
    monkeypatch.setattr(pipeline, "WAITING", 20 * 16)
    begun, most = [0], [0]
    plain = Stills.read

    def counted(self, job):
        begun[0] += 1
        return plain(self, job)

    monkeypatch.setattr(Stills, "read", counted)
    for number in range(12):
        photo(tmp_path / "in" / f"{number:02}.png", (24, 16))
    jobs = plan([tmp_path / "in"], tmp_path / "out").jobs
    handling = Handling(batch_size=4, workers=2)  # which would read 10 ahead of small ones
    for number, outcome in enumerate(translate_files(translator, jobs, None, handling), 1):
        assert outcome.error is None
        most[0] = max(most[0], begun[0] - number)
    assert most[0] <= 5


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tiff", ".bmp", ".gif"])
def test_whatever_is_damaged_in_a_file_is_told_and_stops_nothing(
    tmp_path, translator, monkeypatch, suffix
):
    monkeypatch.setattr(translator.generators["winter"], "forward", lambda x: x)
    random = np.random.default_rng(0)
    whole = photo(tmp_path / "in" / f"whole{suffix}", (12, 9)).read_bytes()
    for number in range(60):
        content = bytearray(whole)
        for place in random.integers(0, len(content), 3):
            content[place] = random.integers(0, 256)
        kept = random.integers(1, len(content)) if number % 4 == 0 else len(content)
        (tmp_path / "in" / f"{number}{suffix}").write_bytes(content[:kept])
    outcomes = work(translator, [tmp_path / "in"], tmp_path / "out")
    assert len(outcomes) == 61
    assert any(outcome.error for outcome in outcomes)
    for outcome in outcomes:
        assert outcome.job.target.exists() == (outcome.error is None)
        assert outcome.error is None or outcome.job.source.name in str(outcome.error)
    assert not list((tmp_path / "out").glob(".*"))


def test_leaving_early_ends_the_threads_and_leaves_only_whole_files(tmp_path, translator):
    for number in range(10):
        photo(tmp_path / "in" / f"{number}.png")
    outcomes = translate_files(translator, plan([tmp_path / "in"], tmp_path / "out").jobs)
    next(outcomes)
    outcomes.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("files")]
    assert not list((tmp_path / "out").glob(".*"))


def test_alpha_is_copied_where_the_format_has_it(tmp_path, translator):
    image = Image.new("RGBA", (16, 12), (200, 60, 20, 255))
    image.putalpha(Image.linear_gradient("L").resize((16, 12)))
    source = tmp_path / "in" / "a.png"
    source.parent.mkdir()
    image.save(source)
    work(translator, [source], tmp_path / "out")
    with Image.open(tmp_path / "out" / "a.png") as result:
        assert result.getchannel("A").tobytes() == image.getchannel("A").tobytes()
        expected = translator.translate(image.convert("RGB"))
        assert result.convert("RGB").tobytes() == expected.tobytes()
    work(translator, [source], tmp_path / "out", wanted=Wanted("bmp"))
    with Image.open(tmp_path / "out" / "a.bmp") as result:
        assert result.convert("RGB").tobytes() == translator.translate(image).tobytes()


@pytest.fixture
def both_ways(tmp_path, save) -> Translator:
    for seed, direction in enumerate(("ab", "ba")):
        save(tmp_path / f"generator_{direction}.safetensors", direction, seed=seed)
    return load(tmp_path, device="cpu")


def test_a_round_trip_and_a_comparison_are_written_beside(tmp_path, both_ways):
    source = photo(tmp_path / "in" / "a.png", (20, 12))
    jobs = plan([source], tmp_path / "out", wanted=Wanted(cycle=True, compare=True)).jobs
    [outcome] = translate_files(both_ways, jobs, "winter")
    assert outcome.error is None
    with Image.open(source) as given:
        x = to_tensor(given, 3)[None]
    output = both_ways.translate_tensor(x, "winter")
    cycle = both_ways.translate_tensor(output, "summer")
    pixels = [np.asarray(to_image(image[0])) for image in (x, output, cycle)]
    for name, expected in [
        ("a.png", pixels[1]),
        ("a.cycle.png", pixels[2]),
        ("a.compare.png", np.concatenate(pixels, axis=1)),
    ]:
        with Image.open(tmp_path / "out" / name) as image:
            assert np.array_equal(np.asarray(image), expected), name


def test_a_side_too_long_for_the_format_is_told_before_it_is_translated(
    tmp_path, translator, monkeypatch
):
    (tmp_path / "in").mkdir()
    Image.new("L", (16400, 1)).save(tmp_path / "in" / "a.png")
    monkeypatch.setattr(translator, "translate_image", None)
    jobs = plan([tmp_path / "in"], tmp_path / "out", wanted=Wanted("webp")).jobs
    [outcome] = translate_files(translator, jobs)
    assert "a.png: it has 16400 x 1 pixels, and WEBP" in str(outcome.error)


@pytest.mark.parametrize("turned", [False, True])
def test_a_comparison_too_wide_for_the_format_is_told_before_any_output_is_written(
    tmp_path, both_ways, monkeypatch, turned
):
    exif = Image.Exif()
    exif[0x0112] = 6 if turned else 1
    (tmp_path / "in").mkdir()
    Image.new("L", (1, 6000) if turned else (6000, 1)).save(tmp_path / "in" / "a.webp", exif=exif)
    monkeypatch.setattr(both_ways, "translate_image", None)
    jobs = plan([tmp_path / "in"], tmp_path / "out", wanted=Wanted(cycle=True, compare=True)).jobs
    [outcome] = translate_files(both_ways, jobs, "winter")
    assert isinstance(outcome.error, DataError)
    assert "18000 x 1" in str(outcome.error)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("size", [(1, 1), (30_000, 10), (3, 200)])
def test_odd_sizes_stay_what_they_are(tmp_path, translator, size):
    source = photo(tmp_path / "in" / "a.png", size)
    [outcome] = work(translator, [source], tmp_path / "out")
    assert outcome.error is None
    with Image.open(tmp_path / "out" / "a.png") as result:
        assert result.size == size


@pytest.mark.parametrize("name", ["a\nb.png", "a.b.c.png", "ä ö.png", " .png"])
def test_odd_names_stay_what_they_are(tmp_path, translator, name):
    source = photo(tmp_path / "in" / name)
    [outcome] = work(translator, [source], tmp_path / "out")
    assert outcome.error is None
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]


def test_an_unknown_domain_is_refused_before_anything_is_read(tmp_path, translator):
    jobs = plan([photo(tmp_path / "in" / "a.png")], tmp_path / "out").jobs
    with pytest.raises(UsageError, match="'winter'"):
        translate_files(translator, jobs, "wintr")
    assert not (tmp_path / "out").exists()


class Arrays(ImageFiles):
    """Tensors of any shape, in NumPy files, which get their suffix if it is missing."""

    suffixes = (".npy",)

    def read(self, path):
        return torch.from_numpy(np.load(path))

    def write(self, image, path):
        np.save(path, image.numpy())


@pytest.fixture
def of_arrays(tmp_path, save, registry) -> Translator:
    """From two channels to five, in files of their own."""
    path = tmp_path / "g.safetensors"
    save(path, in_channels=2, out_channels=5)
    device = torch.device("cpu")
    return Translator(
        [load_generator(path, registry, device)], device, lambda header: (Arrays(), Arrays())
    )


def work_on_arrays(translator: Translator, folder: Path, out: Path):
    source, target = translator.files()
    jobs = plan([folder], out, source=source, target=target).jobs
    return list(translate_files(translator, jobs))


def test_files_of_other_kinds_are_read_and_written_by_their_own_rule(tmp_path, of_arrays):
    (tmp_path / "in").mkdir()
    x = torch.rand(2, 13, 9) * 2 - 1
    np.save(tmp_path / "in" / "a.npy", x.numpy())
    np.save(tmp_path / "in" / "b.npy", torch.zeros(3, 4, 4).numpy())
    good, bad = work_on_arrays(of_arrays, tmp_path / "in", tmp_path / "out")
    assert good.error is None
    assert isinstance(bad.error, DataError)
    assert "b.npy: found a tensor (3, 4, 4)" in str(bad.error)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.npy"]
    expected = of_arrays.translate_tensor(x[None])[0].numpy()
    assert np.array_equal(np.load(tmp_path / "out" / "a.npy"), expected)


def test_files_of_other_kinds_cannot_be_drawn_side_by_side(tmp_path, of_arrays):
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in" / "a.npy", np.zeros((2, 8, 8), np.float32))
    source, target = of_arrays.files()
    wanted = Wanted(compare=True)
    jobs = plan([tmp_path / "in"], tmp_path, source=source, target=target, wanted=wanted).jobs
    with pytest.raises(UsageError, match="leave out --compare"):
        translate_files(of_arrays, jobs)


def test_half_a_file_of_another_kind_never_appears(tmp_path, of_arrays, monkeypatch):
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in" / "a.npy", np.zeros((2, 8, 8), np.float32))
    beside = []

    def full(self, image, path):
        beside.append(path)
        np.save(path, image.numpy()[:1])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Arrays, "write", full)
    with pytest.raises(GantransError, match=r"a\.npy: No space left"):
        work_on_arrays(of_arrays, tmp_path / "in", tmp_path / "out")
    assert beside[0].suffix == ".npy"
    assert beside[0].name.startswith(".")
    assert list((tmp_path / "out").iterdir()) == []


def test_ordinary_files_of_a_generator_with_other_channels_are_refused_at_once(tmp_path, save):
    save(tmp_path / "g.safetensors", in_channels=1, out_channels=2)
    translator = load(tmp_path / "g.safetensors", device="cpu")
    with pytest.raises(UsageError, match=r"have 2 channels.* use translate_tensor"):
        translator.files()


@pytest.mark.parametrize("place", ["read", "draw", "write"])
def test_an_image_for_which_no_memory_is_left_fails_alone(tmp_path, translator, monkeypatch, place):
    for number, name in enumerate(("a.png", "b.png", "c.png")):
        photo(tmp_path / "in" / name, (24, 16 + (number == 1)))
    Image.new("RGB", (8, 17)).save(
        tmp_path / "in" / "d.gif", save_all=True, append_images=[Image.new("RGB", (8, 17), "red")]
    )
    plain = getattr(Stills, place)

    def no_room(self, *arguments):
        if place == "read" and arguments[0].source.name == "b.png":
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        if place == "draw" and arguments[1].image.height == 17:
            raise torch.OutOfMemoryError("CUDA out of memory")
        if place == "write" and arguments[0].source.name == "b.png":
            raise MemoryError
        return plain(self, *arguments)

    monkeypatch.setattr(Stills, place, no_room)
    outcomes = work(translator, [tmp_path / "in"], tmp_path / "out")
    failed = [o.job.source.name for o in outcomes if o.error]
    assert failed == (["b.png", "d.gif"] if place == "draw" else ["b.png"])
    assert f"{tmp_path / 'in' / 'b.png'}: no memory is left for it" in str(outcomes[1].error)


def test_what_else_goes_wrong_in_a_thread_is_not_hidden(tmp_path, translator, monkeypatch):
    def broken(self, job, given, drawn):
        raise RuntimeError("mat1 and mat2")

    monkeypatch.setattr(Stills, "write", broken)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        work(translator, [photo(tmp_path / "in" / "a.png")], tmp_path / "out")


def test_a_name_that_the_file_system_does_not_take_fails_alone(tmp_path, translator, monkeypatch):
    inputs = [photo(tmp_path / "in" / name) for name in ("a.png", "b.png")]
    link = os.link

    def short_names_only(file, name):
        if name.name == "a.png":
            raise OSError(errno.ENAMETOOLONG, "File name too long", str(name))
        link(file, name)

    monkeypatch.setattr(os, "link", short_names_only)
    first, second = work(translator, inputs, tmp_path / "out")
    assert f"cannot write {tmp_path / 'out' / 'a.png'}: File name too long" in str(first.error)
    assert second.error is None


def test_a_file_that_appears_during_the_work_stays_and_fails_its_input_alone(
    tmp_path, both_ways, monkeypatch
):
    inputs = [photo(tmp_path / "in" / name) for name in ("a.png", "b.png", "c.png")]
    out = tmp_path / "out"
    plain = Stills.draw

    def meanwhile(self, *arguments):
        if not out.exists():
            out.mkdir()
            (out / "b.compare.png").write_bytes(b"of another program")
        return plain(self, *arguments)

    monkeypatch.setattr(Stills, "draw", meanwhile)
    jobs = plan(inputs, out, wanted=Wanted(compare=True)).jobs
    outcomes = list(translate_files(both_ways, jobs, "winter"))
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
    assert str(out / "b.compare.png") in str(outcomes[1].error)
    assert (out / "b.compare.png").read_bytes() == b"of another program"
    assert sorted(path.name for path in out.iterdir()) == [
        "a.compare.png", "a.png", "b.compare.png", "c.compare.png", "c.png"
    ]  # fmt: skip


def test_two_commands_into_one_folder_replace_nothing_of_each_other(tmp_path, translator):
    inputs = [photo(tmp_path / "in" / f"{number}.png") for number in range(6)]
    both = [plan(inputs, tmp_path / "out").jobs for _ in range(2)]
    first = translate_files(translator, both[0])
    began = [next(first) for _ in range(2)]
    second = list(translate_files(translator, both[1]))
    contents = {path.name: path.stat().st_ino for path in (tmp_path / "out").iterdir()}
    outcomes = [*began, *first]
    for one, other in zip(outcomes, second, strict=True):
        assert (one.error is None) != (other.error is None)
    assert contents.keys() == {f"{number}.png" for number in range(6)}
    assert contents == {path.name: path.stat().st_ino for path in (tmp_path / "out").iterdir()}


@pytest.mark.parametrize("megapixels", [0, -1, float("inf"), float("nan")])
def test_what_is_no_limit_of_megapixels_is_refused(megapixels):
    with pytest.raises(UsageError, match=r"--max-megapixels .* is no limit: give a number above 0"):
        Handling(megapixels=megapixels)
