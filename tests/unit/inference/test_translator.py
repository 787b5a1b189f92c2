from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

import gantrans
from gantrans.api.generator import Generator
from gantrans.errors import CheckpointError, DataError, NonFiniteError, PluginError, UsageError
from gantrans.inference.translator import Translator, load

SIZES = [(1, 1), (5, 7), (33, 64), (64, 64), (101, 57)]


@pytest.fixture
def both(tmp_path, save):
    """A folder with both generators, and the networks in it by domain."""
    return tmp_path, {
        "winter": save(tmp_path / "generator_ab.safetensors", "ab", seed=1),
        "summer": save(tmp_path / "generator_ba.safetensors", "ba", seed=2),
    }


@pytest.fixture
def winter(tmp_path, save) -> Translator:
    save(tmp_path / "g.safetensors", "ab")
    return load(tmp_path / "g.safetensors", device="cpu")


def photo(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(pixels)
    if mode == "I;16":
        return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    return image.convert(mode)


def plainly(generator: Generator, image: Image.Image) -> np.ndarray:
    """What the network makes of an RGB image whose size fits, by the plainest formula."""
    x = torch.tensor(np.asarray(image), dtype=torch.float32) / 127.5 - 1
    with torch.no_grad():
        y = generator(x.permute(2, 0, 1)[None])[0]
    return ((y.permute(1, 2, 0) + 1) * 127.5).round().numpy()


def test_a_translation_is_what_the_network_gives(both):
    folder, networks = both
    image = photo((64, 36))
    translator = gantrans.load(folder, device="cpu")
    for domain, network in networks.items():
        result = np.asarray(translator.translate(image, domain)).astype(float)
        assert np.abs(result - plainly(network, image)).max() <= 1, domain  # rounding at .5
        assert result.std() > 0


@pytest.mark.parametrize(
    ("size", "mode"),
    [
        *((size, "RGB") for size in SIZES),
        *(((5, 7), mode) for mode in ("L", "P", "RGBA", "LA", "I;16", "1", "CMYK")),
    ],
)
def test_every_size_and_mode_comes_out_at_its_size_in_colour(winter, size, mode):
    result = winter.translate(photo(size, mode))
    assert (result.size, result.mode) == (size, "RGB")


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_the_result_has_the_channels_of_the_target_domain(tmp_path, save, channels, mode):
    save(tmp_path / "g.safetensors", in_channels=1, out_channels=channels)
    result = load(tmp_path / "g.safetensors", device="cpu").translate(photo((20, 11)))
    assert (result.size, result.mode) == ((20, 11), mode)


def test_images_that_show_the_same_translate_the_same(winter):
    image = photo((24, 16)).convert("L")
    expected = winter.translate(image)
    opaque = image.convert("RGB")
    opaque.putalpha(255)
    for same in (image.convert("RGB"), opaque, photo((24, 16), "I;16")):
        assert np.array_equal(np.asarray(winter.translate(same)), np.asarray(expected)), same.mode


def test_transparent_pixels_lie_over_white(winter):
    clear = Image.new("RGBA", (16, 16), (200, 10, 10, 0))
    white = Image.new("RGB", (16, 16), "white")
    assert np.array_equal(np.asarray(winter.translate(clear)), np.asarray(winter.translate(white)))


def test_an_image_is_turned_upright_first(winter):
    upright = photo((24, 16))
    lying = upright.transpose(Image.Transpose.ROTATE_90)
    lying.getexif()[0x0112] = 6  # "turn clockwise by 90 degrees to view"
    result = winter.translate(lying)
    assert result.size == (24, 16)
    assert np.array_equal(np.asarray(result), np.asarray(winter.translate(upright)))


def test_the_given_image_is_left_as_it_is(winter):
    image = photo((9, 9))
    before = image.tobytes()
    winter.translate(image)
    assert image.tobytes() == before


def test_tensors_of_any_size_and_number_are_translated(both):
    folder, networks = both
    translator = load(folder, device="cpu")
    x = torch.rand(3, 3, 20, 16) * 2 - 1
    with torch.no_grad():
        expected = networks["summer"](x)
    assert torch.allclose(translator.translate_tensor(x, "summer"), expected, atol=1e-6)
    assert translator.translate_tensor(x[:, :, :13, :5], "winter").shape == (3, 3, 13, 5)


def test_the_only_direction_need_not_be_named(winter):
    assert winter.targets == ["winter"]
    assert winter.choose(None) == winter.choose("winter") == "winter"


def test_with_two_directions_the_domain_must_be_named(both):
    translator = load(both[0], device="cpu")
    with pytest.raises(UsageError, match=r"winter or summer"):
        translator.translate(photo((8, 8)))


@pytest.mark.parametrize(
    ("to", "said"),
    [("wintr", "did you mean 'winter'"), ("b", "it can: winter"), ("summer", "winter")],
)
def test_an_unknown_domain_is_refused_with_those_there_are(winter, to, said):
    with pytest.raises(UsageError, match=said):
        winter.translate(photo((8, 8)), to)


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 1, 8, 8), (1, 3, 0, 8), (0, 3, 8, 8)])
def test_a_tensor_of_another_shape_is_refused(winter, shape):
    with pytest.raises(UsageError, match=r"expected \(N, 3, H, W\)"):
        winter.translate_tensor(torch.zeros(shape))


def test_other_channels_than_images_have_need_tensors(tmp_path, save):
    save(tmp_path / "g.safetensors", in_channels=4, out_channels=4)
    translator = load(tmp_path / "g.safetensors", device="cpu")
    assert translator.translate_tensor(torch.zeros(1, 4, 8, 8)).shape == (1, 4, 8, 8)
    with pytest.raises(UsageError, match="use translate_tensor"):
        translator.translate(photo((8, 8)))


def test_a_generator_that_gives_no_numbers_is_an_error_not_a_black_image(winter):
    with torch.no_grad():
        next(winter.generators["winter"].parameters()).fill_(float("nan"))
    with pytest.raises(NonFiniteError, match="writes winter gave NaN"):
        winter.translate(photo((8, 8)))


class _Failing(Generator):
    def __init__(self, message: str) -> None:
        super().__init__(None, in_channels=3, out_channels=3)
        self.message = message

    def forward(self, x):
        raise RuntimeError(self.message)


def test_an_image_too_large_for_the_memory_says_its_size(winter):
    winter.generators["winter"] = _Failing("DefaultCPUAllocator: can't allocate memory: you tried")
    with pytest.raises(DataError, match="12 x 8 pixels needs more memory"):
        winter.translate(photo((12, 8)))


def test_other_failures_of_a_generator_are_not_disguised(winter):
    winter.generators["winter"] = _Failing("a mistake in the component")
    with pytest.raises(RuntimeError, match="a mistake"):
        winter.translate(photo((8, 8)))


def test_two_generators_of_one_direction_are_refused(tmp_path, save):
    save(tmp_path / "generator_ab.safetensors", "ab")
    save(tmp_path / "generator_copy.safetensors", "ab")
    with pytest.raises(CheckpointError, match="two generators write winter"):
        load(tmp_path, device="cpu")


def test_a_broken_plugin_file_is_named(tmp_path, save):
    save(tmp_path / "g.safetensors")
    with pytest.raises(PluginError, match=r"nowhere\.py is broken"):
        load(tmp_path / "g.safetensors", device="cpu", plugins=[tmp_path / "nowhere.py"])


def test_loading_and_translating_leave_torch_as_it_was(tmp_path, save):
    save(tmp_path / "g.safetensors")
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    load(tmp_path / "g.safetensors", device="cpu").translate(photo((8, 8)))
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
    assert torch.equal(torch.rand(3), expected)
