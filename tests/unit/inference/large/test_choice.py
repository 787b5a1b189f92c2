"""When a picture is run in pieces, and what a user is told where that cannot be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from PIL import Image
from torch import Tensor

from gantrans.api.generator import Generator, GeneratorConfig
from gantrans.errors import DataError, NonFiniteError, UsageError
from gantrans.inference import memory
from gantrans.inference.large import choice
from gantrans.inference.large.budget import budget
from gantrans.inference.translator import Translator, load

CPU = torch.device("cpu")
MIB = 2**20


@pytest.fixture(scope="module", autouse=True)
def torch_export_is_there(make_generator) -> None:
    """What it takes to import it belongs to the process, and not to the pictures of a test."""
    choice.memory_per_pixel(make_generator())


@pytest.fixture
def saved(tmp_path, save):
    save(tmp_path / "g.safetensors", "ab")
    return tmp_path / "g.safetensors"


@pytest.fixture
def in_pieces(monkeypatch) -> list[tuple[int, int]]:
    """The height and width of each picture that is run in pieces."""
    seen: list[tuple[int, int]] = []
    plain = choice.run_in_pieces

    def noting(generator, image, *more):
        seen.append(tuple(image.shape[1:]))
        return plain(generator, image, *more)

    monkeypatch.setattr(choice, "run_in_pieces", noting)
    return seen


def photo(width: int, height: int) -> Image.Image:
    draw = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (height, width, 3), dtype=torch.uint8, generator=draw)
    return Image.fromarray(pixels.numpy())


def allowed(spare: int) -> int:
    """So many bytes more than this process holds now."""
    return (memory.held() or 0) + spare


def test_a_picture_beyond_the_limit_is_run_in_pieces_with_the_same_result(saved, in_pieces):
    image = photo(1300, 1000)
    whole = load(saved, device="cpu").translate_image(image)
    assert not in_pieces
    limited = load(saved, device="cpu", max_memory=allowed(80 * MIB)).translate_image(image)
    assert in_pieces == [(1000, 1300)]
    assert (whole - limited).abs().max() < 1e-4


def test_several_threads_may_translate_large_pictures(saved, in_pieces):
    whole = load(saved, device="cpu").translate_image(photo(800, 600))
    translator = load(saved, device="cpu")
    translator._large.fits = lambda *sizes: False
    with ThreadPoolExecutor(3) as pool:
        for pieces in pool.map(translator.translate_image, [photo(800, 600)] * 6):
            assert (whole - pieces).abs().max() < 1e-4
    assert len(in_pieces) == 6


def test_a_batch_beyond_the_limit_is_run_one_by_one(saved, in_pieces):
    images = torch.rand(12, 3, 300, 300) * 2 - 1
    whole = load(saved, device="cpu").translate_tensor(images)
    translator = load(saved, device="cpu", max_memory=allowed(80 * MIB))
    sizes: list[int] = []
    translator.generators["winter"].register_forward_hook(
        lambda module, given, made: sizes.append(len(made))
    )
    assert (translator.translate_tensor(images) - whole).abs().max() < 1e-5
    assert sizes == [1] * 12
    assert not in_pieces


def test_one_tensor_beyond_the_limit_is_run_in_pieces(saved, in_pieces):
    images = torch.rand(1, 3, 1000, 1300) * 2 - 1
    whole = load(saved, device="cpu").translate_tensor(images)
    pieces = load(saved, device="cpu", max_memory=allowed(80 * MIB)).translate_tensor(images)
    assert in_pieces == [(1000, 1300)]
    assert (whole - pieces).abs().max() < 1e-4


def test_a_small_picture_is_run_whole_under_a_limit(saved, in_pieces):
    load(saved, device="cpu", max_memory=allowed(200 * MIB)).translate_image(photo(64, 64))
    assert not in_pieces


def test_without_a_limit_what_is_free_decides(saved, in_pieces, monkeypatch):
    translator = load(saved, device="cpu")
    held = memory.held() or 0
    monkeypatch.setattr(memory, "room", lambda: held + 110 * MIB)
    monkeypatch.setattr(memory, "held", lambda: held)
    translator.translate_image(photo(1000, 1000))  # surely small
    assert not in_pieces
    translator.translate_image(photo(1100, 1100))
    assert in_pieces == [(1100, 1100)]


def test_a_picture_that_ran_out_of_memory_is_tried_again_in_pieces(saved, in_pieces, monkeypatch):
    translator = load(saved, device="cpu")
    image = photo(70, 50)
    whole = translator.translate_image(image)

    def too_much(*arguments, **more):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")

    monkeypatch.setattr(translator, "_whole", too_much)
    assert (translator.translate_image(image) - whole).abs().max() < 1e-5
    assert in_pieces == [(50, 70)]


class Attention(Generator):
    """Every pixel sees every other one."""

    name = "attention"

    class Config(GeneratorConfig):
        """None."""

    def forward(self, x: Tensor) -> Tensor:
        return x * x.flatten(2).softmax(dim=2).view(x.shape)


@pytest.fixture
def attention(make_generator, make_header):
    generator = Attention(Attention.Config(), in_channels=3, out_channels=3)
    header = make_header(make_generator(), "ab")
    return lambda limit=None: Translator([(generator, header)], CPU, max_memory=limit)


def test_what_cannot_be_cut_is_run_whole_where_nothing_was_said(attention):
    assert attention().translate_image(photo(1100, 1000)).shape == (3, 1000, 1100)


def test_what_cannot_be_cut_is_refused_under_a_limit_with_the_reason(attention):
    with pytest.raises(UsageError, match=r"'attention' cannot be run in pieces: .*flatten"):
        attention(allowed(200 * MIB)).translate_image(photo(64, 64))


def test_what_cannot_be_cut_and_does_not_fit_is_an_error_of_that_picture(attention, monkeypatch):
    translator = attention()

    def too_much(*arguments, **more):
        raise MemoryError

    monkeypatch.setattr(translator, "_whole", too_much)
    with pytest.raises(DataError, match=r"70 x 50 pixels needs more memory .*flatten"):
        translator.translate_image(photo(70, 50))


def test_a_limit_below_what_the_process_holds_is_an_error_of_that_picture(saved):
    with pytest.raises(DataError, match=r"needs more memory than there is .*allow more"):
        load(saved, device="cpu", max_memory=MIB).translate_image(photo(700, 700))


def test_numbers_that_are_none_are_found_in_pieces_too(saved, in_pieces):
    load(saved, device="cpu")  # what it imports belongs to the process
    translator = load(saved, device="cpu", max_memory=allowed(80 * MIB))
    with torch.no_grad():
        for parameter in translator.generators["winter"].parameters():
            parameter.fill_(float("nan"))
    with pytest.raises(NonFiniteError, match="winter gave NaN"):
        translator.translate_image(photo(1300, 1000))
    assert in_pieces


def test_a_limit_counts_what_the_process_holds_already():
    left = budget(CPU, allowed(100 * MIB))
    assert left.covers(50 * MIB)
    assert not left.covers(150 * MIB)
    tiles, host = budget(CPU, allowed(100 * MIB)).shares("cpu", 20 * MIB)
    assert tiles + host < 82 * MIB
