from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gantrans.api.files import ImageFiles
from gantrans.api.image import IMAGE_SUFFIXES
from gantrans.errors import DataError, GantransError, NonFiniteError, UsageError
from gantrans.inference.files import translate_files
from gantrans.inference.plan import plan
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


def work(translator: Translator, inputs: list[Path], out: Path, **options):
    return list(translate_files(translator, plan(inputs, out, **options).jobs))


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
    save = Image.Image.save
    saved = []

    def save_until_full(image, path, **options):
        saved.append(path)
        save(image, path, **options)
        if len(saved) == 2:
            Path(path).write_bytes(Path(path).read_bytes()[:20])
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", save_until_full)
    with pytest.raises(GantransError, match=r"b\.png: No space left.* image 2 of 3"):
        work(translator, inputs, tmp_path / "out", overwrite=True)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "b.png"]
    assert (tmp_path / "out" / "b.png").read_bytes() == b"old"


def test_ctrl_c_leaves_no_half_image(tmp_path, translator, monkeypatch):
    source = photo(tmp_path / "in" / "a.png")

    def interrupted(image, path, **options):
        Path(path).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Image.Image, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        work(translator, [source], tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


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
