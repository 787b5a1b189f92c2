"""Against Zhang 2019 and plain second implementations."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gantrans.builtins.blur import BlurDownsample, BlurUpsample

BOTH = pytest.mark.parametrize("layer", [BlurDownsample, BlurUpsample])
SIZES = [(2, 2), (3, 4), (6, 5), (8, 8), (7, 9)]


def noise(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def reflected(i: int, side: int) -> int:
    """-1 is 1, and `side` is side - 2."""
    return abs(i) if i < side else 2 * (side - 1) - i


def halved(image: Tensor) -> Tensor:
    """One channel (H, W), pixel by pixel."""
    taps = {-1: 1 / 4, 0: 2 / 4, 1: 1 / 4}
    height, width = image.shape
    return torch.tensor(
        [
            [
                sum(
                    taps[i]
                    * taps[j]
                    * float(image[reflected(y + i, height), reflected(x + j, width)])
                    for i in taps
                    for j in taps
                )
                for x in range(0, width, 2)
            ]
            for y in range(0, height, 2)
        ],
        dtype=torch.float64,
    )


def doubled(image: Tensor) -> Tensor:
    """One channel (H, W): zeros between its pixels, then an ordinary convolution."""
    bordered = F.pad(image[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    height, width = bordered.shape
    stuffed = torch.zeros(2 * height, 2 * width, dtype=torch.float64)
    stuffed[::2, ::2] = bordered
    taps = torch.tensor([1, 3, 3, 1], dtype=torch.float64)
    filtered = F.conv2d(stuffed[None, None], torch.outer(taps, taps)[None, None] * 4 / 64)[0, 0]
    # The first two results lie a quarter of a pixel before and after the first pixel.
    return filtered[: 2 * height - 4, : 2 * width - 4]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("layer", "plain"), [(BlurDownsample, halved), (BlurUpsample, doubled)])
def test_each_channel_is_filtered_as_the_paper_says(
    layer: type[nn.Module], plain: Callable[[Tensor], Tensor], size: tuple[int, int]
) -> None:
    images = noise(2, 3, *size)
    expected = torch.stack([torch.stack([plain(one) for one in image]) for image in images])
    assert torch.allclose(layer().double()(images), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [(1, 1), *SIZES])
def test_doubling_is_bilinear_interpolation_and_takes_a_single_pixel(size: tuple[int, int]) -> None:
    images = noise(2, 3, *size)
    expected = F.interpolate(images, scale_factor=2, mode="bilinear", align_corners=False)
    assert expected.shape[2:] == (2 * size[0], 2 * size[1])
    assert torch.allclose(BlurUpsample().double()(images), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("side", "half"), [(2, 1), (3, 2), (7, 4), (8, 4)])
def test_half_of_an_odd_side_is_rounded_up(side: int, half: int) -> None:
    assert BlurDownsample()(torch.zeros(1, 1, side, 10)).shape == (1, 1, half, 5)


@BOTH
@pytest.mark.parametrize("size", SIZES)
def test_a_constant_stays_that_constant_up_to_the_border(
    layer: type[nn.Module], size: tuple[int, int]
) -> None:
    constant = torch.tensor([0.75, -2.0]).reshape(1, 2, 1, 1)
    result = layer()(constant.expand(1, 2, *size).contiguous())
    assert torch.equal(result, constant.expand_as(result))


def test_the_finest_checkerboard_becomes_its_mean() -> None:
    """What stride 2 alone makes of it is all one of its two values: that is aliasing."""
    at = torch.arange(12)
    checkerboard = torch.where((at[:, None] + at) % 2 == 0, 1.0, -1.0)[None, None]
    assert checkerboard[..., ::2, ::2].min() == 1
    assert torch.equal(BlurDownsample()(checkerboard), torch.zeros(1, 1, 6, 6))


@BOTH
def test_the_filter_is_no_weight_and_is_not_saved(layer: type[nn.Module]) -> None:
    assert list(layer().parameters()) == []
    assert layer().state_dict() == {}


@BOTH
@pytest.mark.parametrize("channels", [1, 5])
def test_the_gradient_passes_for_any_number_of_channels(
    layer: type[nn.Module], channels: int
) -> None:
    x = noise(1, channels, 4, 6).requires_grad_()
    layer().double()(x).sum().backward()
    assert x.grad is not None
    assert (x.grad > 0).all()


@BOTH
def test_it_works_under_bf16_autocast(layer: type[nn.Module]) -> None:
    x = noise(1, 2, 8, 8).float()
    with torch.autocast("cpu", torch.bfloat16):
        rough = layer()(x)
        assert rough.dtype == torch.bfloat16
        assert layer()(x.bfloat16()).dtype == torch.bfloat16
    assert torch.allclose(rough.float(), layer()(x), atol=2**-7)


@BOTH
def test_it_works_on_the_meta_device(layer: type[nn.Module]) -> None:
    with torch.device("meta"):
        result = layer()(torch.empty(1, 3, 8, 8))
    assert result.is_meta
    assert result.shape[2] in (4, 16)


@pytest.mark.gantrans(
    "generator/resnet", settings={"generator/resnet": {"preset": "cut", "width": 8, "blocks": 2}}
)
def test_a_resnet_with_blur_holds_what_generators_promise(
    component_check: Callable[[], None],
) -> None:
    component_check()


@pytest.mark.gantrans(
    "generator/unet",
    settings={"generator/unet": {"width": 8, "depth": 5, "upsample": "blur", "dropout": 0.5}},
)
def test_a_unet_with_blur_holds_what_generators_promise(
    component_check: Callable[[], None],
) -> None:
    component_check()


@pytest.mark.gantrans(
    "discriminator/patchgan",
    settings={"discriminator/patchgan": {"width": 8, "downsample": "blur"}},
)
def test_a_patchgan_with_blur_holds_what_discriminators_promise(
    component_check: Callable[[], None],
) -> None:
    component_check()
