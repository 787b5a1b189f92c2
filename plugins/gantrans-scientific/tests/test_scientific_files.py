"""Reading and writing single files: layouts, depths, precision, and what is refused."""

from __future__ import annotations

import pickle
import tracemalloc
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from pydantic import ValidationError

from gantrans.errors import DataError
from gantrans_scientific.array_files import ArrayFiles
from gantrans_scientific.pixels import Pixels

ALL_16_BIT = np.arange(65536, dtype=np.uint16).reshape(256, 256)


def files(**settings: Any) -> ArrayFiles:
    return ArrayFiles(Pixels(**settings))


def ramp(channels: int, height: int = 5, width: int = 7) -> np.ndarray:
    """(C, H, W) of 16 bits, every number another."""
    count = channels * height * width
    return (np.arange(count) * (65535 // count)).astype(np.uint16).reshape(channels, height, width)


def expected(array: np.ndarray, low: float = 0, high: float = 65535) -> torch.Tensor:
    return torch.tensor([2 * (float(v) - low) / (high - low) - 1 for v in array.ravel()]).reshape(
        array.shape
    )


@pytest.mark.parametrize("suffix", [".tif", ".tiff", ".npy", ".npz"])
@pytest.mark.parametrize("depth", ["uint16", "int16"])
def test_every_16_bit_number_comes_back_unchanged(tmp_path, suffix, depth):
    array = ALL_16_BIT.view(depth)
    tifffile.imwrite(tmp_path / "in.tif", array)
    both = files(depth=depth)
    both.write(both.read(tmp_path / "in.tif"), tmp_path / f"out{suffix}")
    again = both.read(tmp_path / f"out{suffix}")
    both.write(again, tmp_path / "again.tif")
    assert tifffile.imread(tmp_path / "again.tif").dtype == array.dtype
    assert np.array_equal(tifffile.imread(tmp_path / "again.tif"), array)


@pytest.mark.parametrize(
    ("depth", "range_", "bound"),
    [
        ("uint8", None, 0),
        ("int8", None, 0),
        ("uint16", (0, 4095), 0),
        ("uint32", None, 64.5),  # 2^32 / 2^26, and a half for rounding to integers
        ("int32", None, 64.5),
        ("float32", (-2.0, 6.0), 8 / 2**26 + 2**-22),  # and what 32 bits hold of numbers up to 6
        ("float64", (-2.0, 6.0), 8 / 2**26),
        ("float16", (-2.0, 6.0), 2**-9),
    ],
)
def test_what_is_written_is_as_near_as_the_readme_says(tmp_path, depth, range_, bound):
    settings = {"depth": depth} | ({"range": range_} if range_ else {})
    low, high = Pixels(**settings).limits
    spread = np.linspace(low, high, 35 * 41).reshape(35, 41)
    array = (np.rint(spread) if np.issubdtype(depth, np.integer) else spread).astype(depth)
    np.save(tmp_path / "in.npy", array)
    both = files(**settings)
    both.write(both.read(tmp_path / "in.npy"), tmp_path / "out.tif")
    out = tifffile.imread(tmp_path / "out.tif")
    assert out.dtype == array.dtype
    assert np.abs(out.astype(np.float64) - array.astype(np.float64)).max() <= bound


@pytest.mark.parametrize(("low", "high"), [(0, 65535), (0, 4095), (3, 60001)])
def test_16_bit_numbers_become_the_nearest_values_of_32_bits(low, high):
    inside = ALL_16_BIT[(low <= ALL_16_BIT) & (high >= ALL_16_BIT)]
    pixels = Pixels(range=(low, high))
    exact = [float(Fraction(2 * int(v) - low - high, high - low)) for v in inside]
    x = pixels.to_tensor(inside[None, None])
    assert torch.equal(x[0, 0], torch.tensor(exact, dtype=torch.float64).float())
    assert np.array_equal(pixels.to_numbers(x)[0, 0], inside)


def test_16_bit_images_take_no_more_memory_than_they_are_large():
    pixels, array = Pixels(), np.tile(ALL_16_BIT, (1, 4, 4))
    tracemalloc.start()
    try:
        x = pixels.to_tensor(array)
        read = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        pixels.to_numbers(x)
        written = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert read < 4.5 * array.size  # x itself: four bytes a pixel
    assert written < 2.5 * array.size


def test_a_float_range_as_wide_as_may_be_overflows_nowhere():
    pixels = Pixels(depth="float64", range=(-8e307, 8e307))
    array = np.array([[[-1.7e308, -8e307, 0, 8e307, 1.7e308]]])
    with np.errstate(all="raise"):
        x = pixels.to_tensor(array)
        numbers = pixels.to_numbers(x)
    assert x.tolist() == [[[-1, -1, 0, 1, 1]]]
    assert numbers.tolist() == [[[-8e307, -8e307, 0, 8e307, 8e307]]]


def test_values_follow_the_range_and_are_clipped_to_it(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[50, 100, 150], [200, 300, 65535]], np.uint16))
    x = files(range=(100, 300)).read(tmp_path / "a.npy")
    assert x.dtype == torch.float32
    assert x.tolist() == [[[-1, -1, -0.5], [0, 1, 1]]]
    written = files(depth="float32", range=(10.0, 30.0))
    written.write(torch.tensor([[[-1.5, -1, 0, 0.5, 1, 7]]]), tmp_path / "b.tif")
    assert tifffile.imread(tmp_path / "b.tif").tolist() == [[10, 10, 20, 25, 30, 30]]


LAYOUTS = {
    "interleaved": lambda a: (a.transpose(1, 2, 0), {"planarconfig": "contig"}),
    "planar": lambda a: (a, {"planarconfig": "separate"}),
    "pages with names": lambda a: (a, {"metadata": {"axes": "CYX"}}),
    "imagej": lambda a: (a, {"imagej": True}),
    "ome": lambda a: (a, {"ome": True}),
    "deflated": lambda a: (a, {"planarconfig": "separate", "compression": "zlib"}),
    "big endian": lambda a: (a, {"planarconfig": "separate", "byteorder": ">"}),
    "tiled": lambda a: (a, {"planarconfig": "separate", "tile": (16, 16)}),
}


@pytest.mark.parametrize("channels", [2, 3, 5])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_channels_are_found_where_a_tiff_file_says(tmp_path, layout, channels):
    array = ramp(channels, 20, 24)
    stored, options = LAYOUTS[layout](array)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="minisblack", **options)
    found = files(channels=channels).read(tmp_path / "a.tif")
    assert torch.equal(found, expected(array))


@pytest.mark.parametrize("axes", ["auto", "channels_first", "channels_last"])
@pytest.mark.parametrize("suffix", [".tif", ".npy", ".npz"])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_what_is_written_is_read_with_the_same_settings(tmp_path, axes, suffix, channels):
    array = ramp(channels)
    both = files(channels=channels, axes=axes)
    both.write(expected(array), tmp_path / f"a{suffix}")
    assert torch.equal(both.read(tmp_path / f"a{suffix}"), expected(array))


def test_axes_decide_the_layout_that_is_written(tmp_path):
    image = expected(ramp(2))
    shapes = {}
    for axes in ("auto", "channels_first", "channels_last"):
        files(channels=2, axes=axes).write(image, tmp_path / "a.tif")
        files(channels=2, axes=axes).write(image, tmp_path / "a.npy")
        with tifffile.TiffFile(tmp_path / "a.tif") as file:
            shapes[axes] = (len(file.pages), file.series[0].axes, np.load(tmp_path / "a.npy").shape)
    assert shapes == {
        "auto": (1, "SYX", (2, 5, 7)),
        "channels_first": (2, "CYX", (2, 5, 7)),
        "channels_last": (1, "YXS", (5, 7, 2)),
    }


def test_a_stack_is_channels_only_by_choice(tmp_path):
    array = ramp(4)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="minisblack")  # four nameless pages
    with pytest.raises(DataError, match=r"a\.tif: found a stack \(4, 5, 7\).*channels_first"):
        files(channels=4).read(tmp_path / "a.tif")
    chosen = files(channels=4, axes="channels_first").read(tmp_path / "a.tif")
    assert torch.equal(chosen, expected(array))


def test_the_channels_of_an_array_are_the_axis_of_their_length(tmp_path):
    array = ramp(2)
    for stored in (array, np.moveaxis(array, 0, -1)):
        np.save(tmp_path / "a.npy", stored)
        assert torch.equal(files(channels=2).read(tmp_path / "a.npy"), expected(array))
    np.save(tmp_path / "both.npy", np.zeros((2, 5, 2), np.uint16))
    with pytest.raises(DataError, match=r"both\.npy.*either the first or the last axis.*`axes`"):
        files(channels=2).read(tmp_path / "both.npy")
    assert files(channels=2, axes="channels_last").read(tmp_path / "both.npy").shape == (2, 2, 5)
    np.save(tmp_path / "none.npy", np.zeros((4, 5, 6), np.uint16))
    with pytest.raises(DataError, match="neither axis can be the 2 channels"):
        files(channels=2).read(tmp_path / "none.npy")


@pytest.mark.parametrize("compression", [None, "tiff_adobe_deflate"])
@pytest.mark.parametrize(
    ("mode", "depth", "range_"),
    [("I;16", "uint16", None), ("F", "float32", (0.0, 1.0)), ("L", "uint8", None)],
)
def test_files_of_pillow_are_read_and_pillow_reads_ours(tmp_path, mode, depth, range_, compression):
    random = np.random.default_rng(0)
    array = (random.random((6, 9)) * (1 if mode == "F" else np.iinfo(depth).max)).astype(depth)
    Image.fromarray(array).save(tmp_path / "a.tif", compression=compression)
    with Image.open(tmp_path / "a.tif") as image:
        assert image.mode == mode
    both = files(depth=depth, **({"range": range_} if range_ else {}))
    low, high = both.pixels.limits
    x = both.read(tmp_path / "a.tif")
    assert torch.allclose(x, expected(array[None], low, high), atol=1e-6)
    both.write(x, tmp_path / "b.tif")
    with Image.open(tmp_path / "b.tif") as image:
        assert image.mode == mode
        assert np.allclose(np.asarray(image), array, atol=1e-7 if mode == "F" else 0)


def test_an_rgb_file_has_three_channels(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    Image.fromarray(array).save(tmp_path / "a.tif")
    both = files(channels=3, depth="uint8", axes="channels_last")
    x = both.read(tmp_path / "a.tif")
    assert torch.equal(x, expected(array.transpose(2, 0, 1), 0, 255))
    both.write(x, tmp_path / "b.tif")
    with Image.open(tmp_path / "b.tif") as image:
        assert image.mode == "RGB"
        assert np.array_equal(np.asarray(image), array)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_refused(tmp_path, bad):
    array = np.zeros((4, 4), np.float32)
    array[1, 2] = bad
    tifffile.imwrite(tmp_path / "holes.tif", array)
    with pytest.raises(DataError, match=r"holes\.tif: 1 of its numbers are NaN or infinite"):
        files(depth="float32", range=(0.0, 1.0)).read(tmp_path / "holes.tif")


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((4, 6), np.uint8), "found uint8, expected uint16: set the `depth`"),
        (np.zeros((4, 6), np.float32), "found float32, expected uint16"),
        (np.zeros((4, 6), bool), "found bool, expected uint16"),
        (np.zeros((4, 6), np.uint16), "found 1 channels of 6 x 4 pixels, expected 2"),
        (np.zeros(6, np.uint16), r"found an array \(6,\)"),
        (np.zeros((2, 2, 4, 6), np.uint16), r"found an array \(2, 2, 4, 6\)"),
        (np.array([{"x": 1}], dtype=object), "cannot be read .*repair it"),
    ],
)
def test_another_content_is_refused_saying_what_was_found(tmp_path, array, said):
    np.save(tmp_path / "odd.npy", array, allow_pickle=True)
    with pytest.raises(DataError, match=rf"odd\.npy: .*{said}"):
        files(channels=2).read(tmp_path / "odd.npy")


def test_a_tiff_file_with_other_channels_is_refused(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", ramp(3), planarconfig="separate", photometric="rgb")
    with pytest.raises(DataError, match=r"a\.tif: found 3 channels of 7 x 5 .*expected 2"):
        files(channels=2).read(tmp_path / "a.tif")


@pytest.mark.parametrize("meaning", ["miniswhite", "palette"])
def test_numbers_that_do_not_measure_brightness_are_refused(tmp_path, meaning):
    colours = {"colormap": np.zeros((3, 256), np.uint16)} if meaning == "palette" else {}
    file = tmp_path / "a.tif"
    tifffile.imwrite(file, np.zeros((4, 4), np.uint8), photometric=meaning, **colours)
    with pytest.raises(DataError, match=f"{meaning.upper()}, .* expected MINISBLACK or RGB"):
        ArrayFiles(Pixels(depth="uint8")).read(file)


def test_several_images_in_one_file_are_refused(tmp_path):
    with tifffile.TiffWriter(tmp_path / "two.tif") as file:
        file.write(ramp(1)[0])
        file.write(ramp(1, 9, 9)[0])
    np.savez(tmp_path / "two.npz", ramp(1)[0], ramp(1)[0])
    for name, said in (("two.tif", "found 2 images"), ("two.npz", "found 2 arrays")):
        with pytest.raises(DataError, match=rf"{name}: {said}, expected one"):
            files().read(tmp_path / name)


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".npz"])
@pytest.mark.parametrize("keep", [0, 3, 40, -20])
def test_a_damaged_file_is_one_message(tmp_path, suffix, keep):
    path = tmp_path / f"cut{suffix}"
    files().write(expected(ramp(1, 64, 64)), path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=rf"cannot use .*cut\{suffix}: it cannot be read \("):
        files().read(path)


def test_a_compression_that_needs_more_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path):
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile, "TiffFile", refuse)  # whether it is installed here or not
    with pytest.raises(DataError, match=r'LZW.*pip install "gantrans-scientific\[codecs\]"'):
        files().read(tmp_path / "a.tif")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.tif.*No such file"):
        files().read(tmp_path / "none.tif")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"depth": "float32"}, "float32 has no range of its own"),
        ({"range": (5, 5)}, "lower number first"),
        ({"range": (0, 70000)}, "beyond what uint16 can hold, 0 to 65535"),
        ({"depth": "uint64"}, "uint8"),
        ({"channels": 0}, "greater than or equal to 1"),
        ({"depth": "float32", "range": (0.0, float("nan"))}, "finite"),
        ({"range": [100.5, 200]}, "uint16 holds whole numbers: give whole bounds"),
        ({"depth": "float64", "range": [-1e308, 1e308]}, "wider than a number can be"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings, said):
    with pytest.raises(ValidationError, match=said):
        Pixels(**settings)


def test_they_travel_to_other_processes():
    both = files(channels=2, depth="float32", range=(0.0, 1.0))
    assert pickle.loads(pickle.dumps(both)) == both
