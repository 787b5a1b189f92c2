from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gantrans.errors import DataError
from gantrans.inference.files.handling import Handling
from gantrans.inference.files.plan import Wanted, plan
from gantrans.inference.files.translate import translate_files
from gantrans.inference.translator import Translator, load


@pytest.fixture
def translator(tmp_path, save) -> Translator:
    for seed, direction in enumerate(("ab", "ba")):
        save(tmp_path / f"generator_{direction}.safetensors", direction, seed=seed)
    return load(tmp_path, device="cpu")


def frames(count: int, mode: str = "RGB") -> list[Image.Image]:
    random = np.random.default_rng(0)
    drawn = [random.integers(0, 256, (12, 16, 3), dtype=np.uint8) for _ in range(count)]
    return [Image.fromarray(pixels).convert(mode) for pixels in drawn]


def saved(path: Path, images: list[Image.Image], **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    images[0].save(path, save_all=True, append_images=images[1:], **options)
    return path


def work(translator: Translator, source: Path, out: Path, wanted: Wanted | None = None, **options):
    jobs = plan([source], out, wanted=wanted).jobs
    [outcome] = translate_files(translator, jobs, "winter", Handling(**options))
    return outcome


def read(path: Path) -> tuple[list[Image.Image], list[float], int | None]:
    """Frames, durations, loops."""
    with Image.open(path) as image:
        found, durations = [], []
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            found.append(image.copy())
            durations.append(image.info.get("duration"))
        return found, durations, image.info.get("loop")


@pytest.mark.parametrize("suffix", [".png", ".webp"])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_every_frame_is_translated_as_an_image_of_its_own(tmp_path, translator, suffix, batch_size):
    given = frames(5)
    options = {"lossless": True} if suffix == ".webp" else {}
    times = [40, 80, 120, 40, 90]
    source = saved(tmp_path / "in" / f"a{suffix}", given, duration=times, loop=2, **options)
    outcome = work(translator, source, tmp_path / "out", batch_size=batch_size)
    assert (outcome.error, outcome.images) == (None, 5)
    found, durations, loops = read(tmp_path / "out" / source.name)
    assert (durations, loops) == (times, 2)
    for frame, image in zip(given, found, strict=True):
        expected = np.asarray(translator.translate(frame, "winter"), dtype=int)
        assert np.abs(np.asarray(image.convert("RGB"), dtype=int) - expected).max() <= 1


def test_a_gif_stays_one_with_its_times_within_what_256_colours_can_show(tmp_path, translator):
    given = [Image.new("RGB", (16, 12), c) for c in ("red", "green", "blue")]
    for number, image in enumerate(given):  # one colour alone is one result for all
        image.paste("white", (4 * number, 0, 4 * number + 6, 12))
    source = saved(tmp_path / "in" / "a.gif", given, duration=[100, 50, 70], loop=0)
    assert work(translator, source, tmp_path / "out").error is None
    found, durations, loops = read(tmp_path / "out" / "a.gif")
    assert (durations, loops) == ([100, 50, 70], 0)
    for frame, image in zip(given, found, strict=True):
        expected = np.asarray(translator.translate(frame, "winter"), dtype=float)
        assert np.abs(np.asarray(image.convert("RGB"), dtype=float) - expected).mean() < 6


def test_transparent_places_of_a_gif_stay_transparent_in_every_frame(tmp_path, translator):
    given = []
    for left in (0, 4, 8):
        frame = Image.new("RGBA", (16, 12), (0, 0, 0, 0))
        frame.paste((200, 60, 20, 255), (left, 2, left + 5, 9))
        given.append(frame)
    source = saved(tmp_path / "in" / "a.gif", given, duration=100, disposal=2)
    assert work(translator, source, tmp_path / "out").error is None
    found, _, _ = read(tmp_path / "out" / "a.gif")
    for frame, image in zip(given, found, strict=True):
        alpha = np.asarray(image.convert("RGBA").getchannel("A"))
        assert np.array_equal(alpha, np.asarray(frame.getchannel("A")))


def test_a_gif_can_become_another_format_that_moves(tmp_path, translator):
    source = saved(tmp_path / "in" / "a.gif", frames(3), duration=50)
    for format in ("webp", "png"):
        assert work(translator, source, tmp_path / "out", Wanted(format)).error is None
        found, durations, loops = read(tmp_path / "out" / f"a.{format}")
        assert (len(found), durations, loops) == (3, [50, 50, 50], 1)


def test_a_format_of_one_image_is_refused_for_several(tmp_path, translator):
    source = saved(tmp_path / "in" / "a.gif", frames(3))
    outcome = work(translator, source, tmp_path / "out", Wanted("jpg"))
    assert "a.gif: it has 3 images, and JPEG files hold one" in str(outcome.error)
    assert not (tmp_path / "out").exists()


def test_pages_of_a_tiff_file_stay_pages(tmp_path, translator):
    source = saved(tmp_path / "in" / "a.tiff", frames(3))
    assert work(translator, source, tmp_path / "out").images == 3
    found, durations, _ = read(tmp_path / "out" / "a.tiff")
    assert (len(found), durations) == (3, [None] * 3)


def test_cycles_and_comparisons_move_too(tmp_path, translator):
    given = frames(3)
    source = saved(tmp_path / "in" / "a.png", given, duration=50)
    wanted = Wanted(cycle=True, compare=True)
    assert work(translator, source, tmp_path / "out", wanted).error is None
    rows, durations, _ = read(tmp_path / "out" / "a.compare.png")
    output, _, _ = read(tmp_path / "out" / "a.png")
    cycle, _, _ = read(tmp_path / "out" / "a.cycle.png")
    assert durations == [50] * 3
    for row, *parts in zip(rows, given, output, cycle, strict=True):
        expected = np.concatenate([np.asarray(part.convert("RGB")) for part in parts], axis=1)
        assert np.array_equal(np.asarray(row.convert("RGB")), expected)


def test_frames_that_unfold_to_too_much_are_refused(tmp_path, translator):
    source = saved(tmp_path / "in" / "a.gif", frames(8))
    outcome = work(translator, source, tmp_path / "out", megapixels=0.001)
    assert isinstance(outcome.error, DataError)
    assert "its 8 frames have 0.00154 megapixels or more in all: give a higher" in str(
        outcome.error
    )


def test_a_frame_that_fails_fails_its_file_alone(tmp_path, translator, monkeypatch):
    saved(tmp_path / "in" / "a.gif", frames(3))
    frames(1)[0].save(tmp_path / "in" / "b.png")
    with torch.no_grad():
        weights = next(translator.generators["winter"].parameters())
        kept = weights.clone()
        weights.fill_(float("nan"))
    outcomes = translate_files(translator, plan([tmp_path / "in"], tmp_path / "out").jobs, "winter")
    first = next(outcomes)
    assert "a.gif: the generator that writes winter gave NaN" in str(first.error)
    with torch.no_grad():
        weights.copy_(kept)
    outcomes.close()
    assert not (tmp_path / "out" / "a.gif").exists()


def test_pages_of_any_size_count_together(tmp_path, translator):
    pages = [Image.new("RGB", (4, 4)), Image.new("RGB", (30, 20)), Image.new("RGB", (30, 20))]
    source = saved(tmp_path / "in" / "a.tiff", pages)
    outcome = work(translator, source, tmp_path / "out", megapixels=0.001)
    assert "its 3 frames have 0.00122 megapixels or more in all" in str(outcome.error)
    assert work(translator, source, tmp_path / "out", megapixels=0.0013).error is None


def test_pages_of_several_sizes_are_refused_before_they_are_translated(
    tmp_path, translator, monkeypatch
):
    pages = [Image.new("RGB", (30, 20)), Image.new("RGB", (11, 7))]
    source = saved(tmp_path / "in" / "a.tiff", pages)
    assert work(translator, source, tmp_path / "out").error is None
    found, _, _ = read(tmp_path / "out" / "a.tiff")
    assert [image.size for image in found] == [(30, 20), (11, 7)]
    monkeypatch.setattr(translator, "translate_image", None)
    for format in ("png", "webp"):
        outcome = work(translator, source, tmp_path / format, Wanted(format))
        assert isinstance(outcome.error, DataError)
        assert "2 sizes" in str(outcome.error)
        assert not (tmp_path / format).exists()


def test_times_that_cannot_be_written_are_noted(tmp_path, translator):
    frame = Image.linear_gradient("L").resize((16, 12)).convert("RGB")  # one colour stays one
    given = [frame, frame.rotate(180)]
    source = saved(tmp_path / "in" / "a.png", given, duration=50, loop=100_000)
    outcome = work(translator, source, tmp_path / "out", Wanted("webp"))
    assert outcome.error is None
    assert len(outcome.notes) == 1
    assert read(tmp_path / "out" / "a.webp")[2] == 65535
