from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from gantrans.api.image import to_tensor
from gantrans.errors import DataError, NonFiniteError, UsageError
from gantrans.inference.files.together import Together
from gantrans.inference.translator import Translator, load


@pytest.fixture
def translator(tmp_path, save) -> Translator:
    """Both ways, from colour to colour; the generators want multiples of 4."""
    for seed, direction in enumerate(("ab", "ba")):
        save(tmp_path / f"generator_{direction}.safetensors", direction, seed=seed)
    return load(tmp_path, device="cpu")


def drawn(width: int, height: int, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_a_batch_gives_what_each_image_gives_alone(translator):
    together = Together(translator, "winter", cycle=True)
    images = [drawn(20, 16), drawn(18, 15, 1), drawn(20, 16, 2), to_tensor(drawn(24, 16, 3), 3)]
    for image, result in zip(images, together(images), strict=True):
        x = image if isinstance(image, torch.Tensor) else to_tensor(image, 3)
        output = translator.translate_tensor(x[None], "winter")
        cycle = translator.translate_tensor(output, "summer")
        assert result.output.shape == x.shape
        assert torch.allclose(result.output, output[0], atol=1e-5)
        assert torch.allclose(result.cycle, cycle[0], atol=1e-5)


def test_of_an_image_in_pieces_one_is_told_how_far_it_is(translator):
    shares: list[float] = []
    translator._large.fits = lambda *sizes: False
    [result] = Together(translator, "winter", look=shares.append)([drawn(64, 48)])
    assert result.error is None
    assert shares[-1] == pytest.approx(1)


def test_images_of_one_padded_size_go_together_and_large_ones_alone(translator):
    together = Together(translator, "winter")
    assert together.size(drawn(20, 16)) == together.size(drawn(17, 13)) == (16, 20)
    assert together.size(drawn(20, 16)) != together.size(drawn(24, 16))
    assert together.size(Image.new("L", (2048, 1024))) is None


def test_a_batch_is_one_pass(translator, monkeypatch):
    shapes = []
    run = translator._whole

    def watched(images, to):
        shapes.append(tuple(images.shape))
        return run(images, to)

    monkeypatch.setattr(translator, "_whole", watched)
    Together(translator, "winter")([drawn(20, 16), drawn(18, 15), drawn(20, 13)])
    assert shapes == [(3, 3, 16, 20)]


def test_one_image_that_fails_does_not_harm_those_beside_it(translator, monkeypatch):
    run = translator._whole

    def fails_on_black(images, to):
        if (images == -1).all(dim=(1, 2, 3)).any():
            raise NonFiniteError("no numbers")
        return run(images, to)

    monkeypatch.setattr(translator, "_whole", fails_on_black)
    images = [drawn(20, 16), Image.new("RGB", (20, 16)), drawn(20, 16, 1)]
    results = Together(translator, "winter")(images)
    assert [type(result.error) for result in results] == [type(None), NonFiniteError, type(None)]


def test_a_batch_that_does_not_fit_is_translated_one_by_one(translator, monkeypatch):
    run = translator._whole

    def one_at_a_time(images, to):
        if len(images) > 1:
            raise torch.OutOfMemoryError("no room")
        return run(images, to)

    monkeypatch.setattr(translator, "_whole", one_at_a_time)
    results = Together(translator, "winter")([drawn(20, 16), drawn(20, 16, 1)])
    assert all(result.output is not None for result in results)


def test_an_error_of_the_network_itself_is_not_hidden(translator, monkeypatch):
    def broken(images, to):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(translator, "_whole", broken)
    with pytest.raises(RuntimeError, match="mat1 and mat2"):
        Together(translator, "winter")([drawn(20, 16), drawn(20, 16)])


def test_a_way_back_that_is_not_there_is_refused(tmp_path, save):
    save(tmp_path / "g.safetensors")
    translator = load(tmp_path / "g.safetensors", device="cpu")
    with pytest.raises(UsageError, match="no way back from winter in this model: leave out"):
        Together(translator, None, cycle=True)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
    ],
)
def test_an_image_too_large_for_the_memory_fails_alone(translator, monkeypatch, error):
    run = translator.translate_image

    def no_room_for_wide_ones(image, to, *more):
        if image.width > 20:
            raise error
        return run(image, to)

    monkeypatch.setattr(translator, "translate_image", no_room_for_wide_ones)
    together = Together(translator, "winter")
    [result] = together([drawn(24, 16)])
    assert isinstance(result.error, DataError)
    assert "no memory is left for it" in str(result.error)
    assert result.error.__context__ is None  # nor is what it filled held any longer
    assert together([drawn(20, 16)])[0].error is None
