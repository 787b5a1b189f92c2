"""A picture in pieces is the whole picture: against plain forward passes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import gantrans
from gantrans.api.generator import Generator, GeneratorConfig
from gantrans.api.image import normalised
from gantrans.errors import DataError, UsageError
from gantrans.inference.large import store, translate
from gantrans.inference.large.translate import run_in_pieces
from gantrans.inference.padding import run_padded
from gantrans.inference.precision import running_in

CPU = torch.device("cpu")
MIB = 2**20
REGISTRY = gantrans.load_registry()


def built(name: str, **settings: object) -> Generator:
    """Of weights as after some training: large enough that each layer matters."""
    torch.manual_seed(0)
    config = REGISTRY.config("generator", name, {"type": name, **settings})
    generator: Generator = config.build(in_channels=3, out_channels=3)
    for module in generator.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
        if isinstance(module, nn.BatchNorm2d | nn.GroupNorm):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
    return generator.eval()


def picture(height: int, width: int) -> Tensor:
    """Bright on one side and dark on the other, so that tiles have statistics of their own."""
    draw = torch.Generator().manual_seed(1)
    slope = torch.linspace(-0.6, 0.6, width) + torch.linspace(-0.2, 0.2, height)[:, None]
    return (slope + 0.3 * torch.randn(3, height, width, generator=draw)).clamp(-1, 1)


def both_ways(
    generator: Generator, x: Tensor, memory: int, host: int = 2**40
) -> tuple[Tensor, Tensor]:
    with torch.inference_mode():
        whole = run_padded(generator, x[None])[0]
        assert whole.std() > 0.01
        return whole, run_in_pieces(generator, x, CPU, memory, host)


def tiles_made(monkeypatch) -> list[int]:
    """The pixels of each tile that is computed from here on."""
    made: list[int] = []
    plain = translate.tile_of

    def counting(network, chain, region, known, read):
        made.append(len(region[0]) * len(region[1]))
        return plain(network, chain, region, known, read)

    monkeypatch.setattr(translate, "tile_of", counting)
    return made


@pytest.mark.parametrize("host", [2**40, 0], ids=["memory", "files"])
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("resnet", {"width": 8, "blocks": 9}),
        ("resnet", {"width": 8, "blocks": 2, "norm": "group"}),
        ("resnet", {"width": 8, "blocks": 2, "norm": "none"}),
        ("unet", {"width": 4, "depth": 6}),
    ],
    ids=["instance", "group", "none", "unet"],
)
def test_small_tiles_of_512_pixels_give_the_whole_picture(name, settings, host, monkeypatch):
    generator = built(name, **settings)
    made = tiles_made(monkeypatch)
    whole, pieces = both_ways(generator, picture(512, 512), 3 * MIB, host)
    assert (whole - pieces).abs().max() < 1e-4
    assert len(made) > 20
    assert max(made) < 512 * 512 / 2


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("resnet", {"norm": {"type": "instance", "affine": True}, "upsample": "nearest"}),
        ("resnet", {"norm": "layer", "downsample": "blur", "upsample": "blur"}),
        ("resnet", {"norm": "batch", "dropout": 0.5}),
        ("unet", {"depth": 3, "norm": "batch", "upsample": "nearest"}),
        ("unet", {"depth": 4, "norm": "none", "upsample": "blur"}),
        ("unet", {"depth": 3, "norm": "group"}),
    ],
)
@pytest.mark.parametrize(("size", "memory"), [((97, 130), MIB // 4), ((163, 61), MIB // 4)])
def test_every_setting_and_odd_sizes_give_the_whole_picture(
    name, settings, size, memory, monkeypatch
):
    generator = built(name, width=4, **({"blocks": 2} if name == "resnet" else {}), **settings)
    made = tiles_made(monkeypatch)
    whole, pieces = both_ways(generator, picture(*size), memory)
    assert (whole - pieces).abs().max() < 1e-5
    assert len(made) > 8


COLOURS = [(255, 255, 255), (128, 128, 128), (10, 200, 77)]


def one_colour(colour: tuple[int, int, int], height: int, width: int) -> Tensor:
    return torch.tensor(colour, dtype=torch.uint8)[:, None, None].expand(3, height, width)


@pytest.mark.parametrize(
    ("colour", "height", "width"),
    zip(COLOURS, (64, 83, 64), (64, 58, 96), strict=True),
)
def test_a_picture_of_one_colour_gives_the_bias_of_the_last_layer_whole_or_in_pieces(
    colour, height, width
):
    generator = built("resnet", width=4, blocks=2)
    pixels = one_colour(colour, height, width)
    with torch.inference_mode():
        whole = run_padded(generator, normalised(pixels)[None])[0]
        pieces = run_in_pieces(generator, pixels, CPU, MIB // 8, 2**40)
    # Every instance norm makes 0 of it, so that the last convolution sees 0 everywhere.
    constant = generator.layers[-2].bias.tanh()[:, None, None].expand_as(whole)
    torch.testing.assert_close(whole, constant)
    torch.testing.assert_close(pieces, constant)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("resnet", {"norm": {"type": "instance", "affine": True}}),
        ("resnet", {"norm": "group", "upsample": "nearest"}),
        ("resnet", {"norm": "layer", "downsample": "blur", "upsample": "blur"}),
        ("unet", {"depth": 4, "norm": "instance"}),
    ],
    ids=["affine", "group", "layer", "unet"],
)
def test_a_picture_of_one_colour_in_pieces_is_the_whole_picture(name, settings):
    generator = built(name, width=4, **({"blocks": 2} if name == "resnet" else {}), **settings)
    x = normalised(one_colour((10, 200, 77), 83, 58))
    whole, pieces = both_ways(generator, x, MIB // 4)
    torch.testing.assert_close(whole, pieces, rtol=0, atol=1e-5)


@pytest.mark.parametrize("levels", [1, 100])
def test_one_pixel_that_differs_is_translated_like_any_picture(levels):
    generator = built("resnet", width=4, blocks=2)
    pixels = one_colour((200, 200, 200), 64, 64).clone()
    pixels[1, 30, 40] -= levels
    whole, pieces = both_ways(generator, normalised(pixels), MIB // 8)
    torch.testing.assert_close(whole, pieces, rtol=0, atol=0.5 / 127.5)


class Layers(Generator):
    """Any function of an image as a generator."""

    name = "layers"

    class Config(GeneratorConfig):
        """None."""

    def __init__(self, function: Callable[[Tensor], Tensor], **parts: nn.Module) -> None:
        super().__init__(self.Config(), in_channels=3, out_channels=3)
        self.function = function
        self.parts = nn.ModuleDict(parts)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def conv(*arguments: int, **more: object) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(*arguments, **more)  # type: ignore[arg-type]


def squeezed(x: Tensor) -> Tensor:
    """Channels weighted by what the whole picture is like."""
    weight = torch.sigmoid(F.adaptive_avg_pool2d(x, 1) * 3 + x.mean((2, 3), keepdim=True))
    return x * weight


def by_hand(x: Tensor) -> Tensor:
    """An instance norm that is written out."""
    mean = x.mean(dim=(2, 3), keepdim=True)
    deviation = x.std(dim=(2, 3), keepdim=True)
    var = x.var(dim=(2, 3), keepdim=True, unbiased=False)
    return (x - mean) / (deviation + 1e-3) + x.var(dim=[2, 3], keepdim=True) - 9 * var


def in_place(x: Tensor) -> Tensor:
    y = x * 2
    z = F.relu_(y)
    return y + z  # twice what was written


THIN = conv(3, 3, 3, padding=2, dilation=2)
DOWN = conv(3, 6, 4, stride=2, padding=1)
UP = nn.ConvTranspose2d(6, 3, 5, stride=2, padding=2, output_padding=1, dilation=1)
STRIDE3 = nn.ConvTranspose2d(3, 3, 4, stride=3, padding=1, output_padding=1, groups=3)

FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "dilated": THIN,
    "same padding": conv(3, 3, 5, padding="same", groups=3),
    "even kernel, same padding": conv(3, 3, 4, padding="same"),
    "down and up": lambda x: UP(DOWN(x)),
    "by three": lambda x: F.interpolate(STRIDE3(x), x.shape[2:], mode="nearest"),
    "mean pool": lambda x: F.interpolate(F.avg_pool2d(x, 2), scale_factor=2.0),
    "bordered mean pool": lambda x: F.avg_pool2d(x, 3, 1, 1),
    "max pool": lambda x: F.max_pool2d(x, 3, 1, 1),
    "bilinear": lambda x: F.interpolate(
        F.interpolate(x, scale_factor=0.5, mode="bilinear"), scale_factor=2.0, mode="bilinear"
    ),
    "bilinear, by three": lambda x: F.interpolate(
        F.interpolate(x, scale_factor=1 / 3, mode="bilinear"), x.shape[2:], mode="bilinear"
    ),
    "bilinear, corners aligned": lambda x: F.interpolate(
        F.max_pool2d(x, 2), x.shape[2:], mode="bilinear", align_corners=True
    ),
    "nearest-exact": lambda x: F.interpolate(
        F.interpolate(x, scale_factor=1.5, mode="nearest-exact"), x.shape[2:], mode="nearest-exact"
    ),
    "shuffled": lambda x: F.pixel_shuffle(torch.tanh(F.pixel_unshuffle(x, 2)), 2),
    "replicated border": lambda x: F.avg_pool2d(
        F.pad(x, (2, 2, 1, 1), mode="replicate"), (3, 5), 1
    ),
    "a border of ones": lambda x: F.avg_pool2d(F.pad(x, (1, 1, 1, 1), value=1.0), 3, 1),
    "cropped": lambda x: F.pad(F.pad(x, (4, 4, 4, 4), mode="reflect"), (-4, -4, -4, -4)),
    "sliced": lambda x: F.pad(x, (4, 4, 4, 4), mode="reflect")[:, :, 3:-5, 6:-2],
    "channels apart": lambda x: torch.cat([x[:, 1:], x[:, :1] * 2], dim=1),
    "squeezed": squeezed,
    "by hand": by_hand,
    "in place": in_place,
    "gated": lambda x: F.glu(torch.cat([x, x * 3], dim=1), dim=1),
    "halves of channels": lambda x: torch.cat(x.chunk(3, dim=1)[::-1], dim=1) * x.split(1, 1)[2],
    "over channels": lambda x: x * x.square().mean(1, keepdim=True).rsqrt() + x.softmax(dim=1),
    "sliced from the end": lambda x: x[:, :, -100:] + x[:, :, :, -84:],
    "in double": lambda x: F.instance_norm(x.double()).float() + x.type_as(x),
    "clipped": lambda x: (x * 3).clamp(-0.5, 0.5) / 2 + 0.1,
    "parametric": lambda x: F.prelu(x, torch.tensor([0.1, 0.2, 0.3])),
    "batch norm of the picture": lambda x: F.batch_norm(x, None, None, training=True),
}


def before_it_is_activated(x: Tensor) -> Tensor:
    """A batch norm in use, an activation that writes into it, and its input again."""
    mean, var = torch.tensor([0.1, 0.0, -0.1]), torch.tensor([0.5, 1.0, 2.0])
    return x + F.relu_(F.batch_norm(x, mean, var)) * F.batch_norm(x, mean, var)


FUNCTIONS["before it is activated"] = before_it_is_activated
FUNCTIONS["norm of the image"] = lambda x: F.instance_norm(x) + x


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_layer_that_can_be_cut_is_cut_right(name, monkeypatch):
    function = FUNCTIONS[name]
    parts = {"part": function} if isinstance(function, nn.Module) else {}
    generator = Layers(function, **parts).eval()
    made = tiles_made(monkeypatch)
    whole, pieces = both_ways(generator, picture(60, 84), 30_000)
    assert (whole - pieces).abs().max() < 1e-5
    assert len(made) > 3


@pytest.mark.parametrize(
    ("function", "layer"),
    [
        (lambda x: F.softmax(x.flatten(2), dim=2).view(x.shape) * x, "flatten"),
        (lambda x: x.flip(3), "flip"),
        (lambda x: F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="circular"), 3, 1), "pad"),
        (lambda x: x + torch.linspace(0, 1, 84), "add"),
        (lambda x: x * torch.rand_like(x), "rand_like"),
        (lambda x: x.transpose(2, 3), "transpose"),
        (lambda x: F.conv2d(x, x[:, :, :3, :3].mean(0)[None], padding=1).expand(1, 3, -1, -1), ""),
    ],
)
def test_what_sees_the_whole_picture_is_named_and_refused(function, layer):
    with pytest.raises(UsageError, match=rf"'layers' cannot be run in pieces: .*{layer}"):
        run_in_pieces(Layers(function).eval(), picture(60, 84), CPU, 30_000, 2**40)


def test_a_generator_that_torch_cannot_export_is_refused_in_one_sentence():
    def by_brightness(x: Tensor) -> Tensor:
        return x if x.mean() > 0 else -x

    with pytest.raises(UsageError, match=r"cannot be run in pieces: torch.export does not"):
        run_in_pieces(Layers(by_brightness).eval(), picture(60, 84), CPU, 30_000, 2**40)


def test_a_budget_below_the_smallest_tile_is_refused_with_what_is_needed():
    with pytest.raises(UsageError, match=r"too few for a tile of this generator.*allow more"):
        run_in_pieces(built("resnet", width=8), picture(64, 64), CPU, 1000, 2**40)


def test_a_picture_in_bytes_is_the_same_picture():
    generator = built("resnet", width=4, blocks=1)
    pixels = torch.randint(0, 256, (3, 50, 70), dtype=torch.uint8)
    with torch.inference_mode():
        whole = run_padded(generator, (pixels / 127.5 - 1)[None])[0]
        pieces = run_in_pieces(generator, pixels, CPU, MIB // 8, 2**40)
    assert (whole - pieces).abs().max() < 1e-5


def test_progress_rises_to_all_of_it():
    shares: list[float] = []
    generator = built("resnet", width=4, blocks=2)
    run_in_pieces(generator, picture(64, 64), CPU, MIB // 8, 2**40, shares.append)
    assert shares == sorted(shares)
    assert len(shares) > 10
    assert shares[-1] == pytest.approx(1)


def test_files_have_no_names_so_that_a_kill_leaves_none(tmp_path, monkeypatch):
    monkeypatch.setattr(store.tempfile, "tempdir", str(tmp_path))
    there: list[int] = []
    seen: list[list[object]] = []
    plain = store._reserve
    monkeypatch.setattr(
        store, "_reserve", lambda file, size: (plain(file, size), there.append(size))
    )

    def looking(share: float) -> None:
        seen.append(list(tmp_path.iterdir()))

    generator = built("resnet", width=4, blocks=2)
    run_in_pieces(generator, picture(64, 64), CPU, MIB // 8, 0, looking)
    assert len(there) >= 2
    assert not any(seen)


def test_a_full_disk_is_said_before_anything_is_written_to_it(tmp_path, monkeypatch):
    monkeypatch.setattr(store.tempfile, "tempdir", str(tmp_path))

    def full(descriptor: int, offset: int, length: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.os, "posix_fallocate", full)
    with pytest.raises(DataError, match=r"no room for intermediate results .*TMPDIR"):
        run_in_pieces(built("resnet", width=4, blocks=1), picture(64, 64), CPU, MIB // 8, 0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["resnet", "unet"])
def test_bfloat16_in_pieces_strays_as_far_as_bfloat16_of_the_whole(name):
    generator = built(name, width=4, **({"blocks": 2} if name == "resnet" else {"depth": 4}))
    x = picture(64, 96)
    exact, _ = both_ways(generator, x, MIB // 4)
    with running_in("bf16", CPU):
        whole, pieces = both_ways(generator, x, MIB // 4)
    strays = (whole - exact).abs().mean()
    assert strays > 1e-4
    assert (pieces - exact).abs().mean() < 1.5 * strays


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.avg_pool2d(x, 2),
        lambda x: torch.cat([x, x], dim=1),
    ],
)
def test_a_result_of_another_size_or_other_channels_is_refused(function):
    with pytest.raises(UsageError, match="its result is no picture of the size and channels"):
        run_in_pieces(Layers(function).eval(), picture(60, 84), CPU, 30_000, 2**40)


def under_another_name(x: Tensor) -> Tensor:
    y = x * 2
    part = y[:, :2]
    y.mul_(2)
    return torch.cat([part, y[:, 2:]], dim=1)


def a_part_of_it(x: Tensor) -> Tensor:
    y = x * 2
    y[:, :1].mul_(3)
    return y


def detached(x: Tensor) -> Tensor:
    y = x * 2
    y.detach().mul_(2)
    return y


@pytest.mark.parametrize("function", [under_another_name, a_part_of_it, detached])
def test_what_is_written_and_read_under_another_name_is_refused(function):
    with pytest.raises(UsageError, match="it writes into what is read again"):
        run_in_pieces(Layers(function).eval(), picture(60, 84), CPU, 30_000, 2**40)


def test_dropout_that_is_active_is_refused():
    def noisy(x: Tensor) -> Tensor:
        return F.dropout2d(x, 0.5, training=True)

    with pytest.raises(UsageError, match=r"cannot be run in pieces: .*dropout"):
        run_in_pieces(Layers(noisy).eval(), picture(60, 84), CPU, 30_000, 2**40)
