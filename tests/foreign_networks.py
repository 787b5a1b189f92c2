"""Networks with the tensors' names of other projects, as plain torch modules.

Written from the tables of names and shapes; nothing here knows gantrans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Norm = Callable[[int], nn.Module]


class Inner(nn.Module):
    """A sequence under a name of its own, such as `model`, added to the input or beside it."""

    def __init__(self, name: str, layers: Iterable[nn.Module], join: str = "") -> None:
        super().__init__()
        self.name, self.join = name, join
        self.add_module(name, nn.Sequential(*layers))

    def forward(self, x: Tensor) -> Tensor:
        y = getattr(self, self.name)(x)
        if self.join == "add":
            return x + y
        return torch.cat([x, y], dim=1) if self.join == "concatenate" else y


class Whole(nn.Module):
    """A network that calls its outermost level `model`."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class BlurDown(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 2.0, 1.0])
        square = taps[:, None] * taps[None, :]
        self.register_buffer("filt", (square / square.sum()).repeat(channels, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        y = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), self.filt, groups=x.shape[1])
        return y[:, :, ::2, ::2]


class BlurUp(nn.Module):
    """Zeros put between pixels and blurred by [1, 3, 3, 1] is bilinear interpolation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
        square = taps[:, None] * taps[None, :]
        self.register_buffer("filt", (4 * square / square.sum()).repeat(channels, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def norms(name: str) -> tuple[Norm, bool]:
    """A normalisation, and whether the convolutions before it have a bias."""
    if name == "batch":
        return nn.BatchNorm2d, False
    return lambda channels: nn.InstanceNorm2d(channels, affine=name == "affine"), True


def resnet(
    width: int = 4,
    blocks: int = 2,
    *,
    norm: str = "instance",
    dropout: bool = False,
    channels: tuple[int, int] = (3, 3),
    blur_down: bool = False,
    blur_up: bool = False,
    end: type[nn.Module] = nn.Tanh,
) -> nn.Module:
    layer, bias = norms(norm)
    layers: list[nn.Module] = [
        *(nn.ReflectionPad2d(3), nn.Conv2d(channels[0], width, 7, bias=bias)),
        *(layer(width), nn.ReLU()),
    ]
    for c in (width, 2 * width):
        stride = 1 if blur_down else 2
        layers += [nn.Conv2d(c, 2 * c, 3, stride, 1, bias=bias), layer(2 * c), nn.ReLU()]
        layers += [BlurDown(2 * c)] if blur_down else []
    c = 4 * width
    for _ in range(blocks):
        block = [
            *(nn.ReflectionPad2d(1), nn.Conv2d(c, c, 3, bias=bias), layer(c), nn.ReLU()),
            *([nn.Dropout(0.5)] if dropout else []),
            *(nn.ReflectionPad2d(1), nn.Conv2d(c, c, 3, bias=bias), layer(c)),
        ]
        layers.append(Inner("conv_block", block, "add"))
    for c in (4 * width, 2 * width):
        if blur_up:
            layers += [BlurUp(c), nn.Conv2d(c, c // 2, 3, padding=1, bias=bias)]
        else:
            layers.append(nn.ConvTranspose2d(c, c // 2, 3, 2, 1, output_padding=1, bias=bias))
        layers += [layer(c // 2), nn.ReLU()]
    layers += [nn.ReflectionPad2d(3), nn.Conv2d(width, channels[1], 7), end()]
    return Inner("model", layers)


def unet(
    width: int = 2,
    depth: int = 7,
    *,
    norm: str = "instance",
    dropout: bool = False,
    channels: tuple[int, int] = (3, 3),
) -> nn.Module:
    layer, bias = norms(norm)
    of_level = [width * factor for factor in (1, 2, 4, 8)] + [8 * width] * (depth - 4)
    outer, inner = of_level[-2:]
    block = [
        *(nn.LeakyReLU(0.2), nn.Conv2d(outer, inner, 4, 2, 1, bias=bias)),
        *(nn.ReLU(), nn.ConvTranspose2d(inner, outer, 4, 2, 1, bias=bias), layer(outer)),
    ]
    for level in range(depth - 2, 0, -1):
        inside = Inner("model", block, "concatenate")
        outer, inner = of_level[level - 1], of_level[level]
        block = [
            *(nn.LeakyReLU(0.2), nn.Conv2d(outer, inner, 4, 2, 1, bias=bias), layer(inner)),
            inside,
            *(nn.ReLU(), nn.ConvTranspose2d(2 * inner, outer, 4, 2, 1, bias=bias), layer(outer)),
            *([nn.Dropout(0.5)] if dropout and level >= 4 else []),
        ]
    inside = Inner("model", block, "concatenate")
    outermost = [
        nn.Conv2d(channels[0], width, 4, 2, 1, bias=bias),
        inside,
        *(nn.ReLU(), nn.ConvTranspose2d(2 * width, channels[1], 4, 2, 1), nn.Tanh()),
    ]
    return Whole(Inner("model", outermost))


def patchgan(
    width: int = 4,
    layers: int = 3,
    *,
    norm: str = "instance",
    channels: int = 3,
    blur: bool = False,
    pool: bool = False,
) -> nn.Module:
    layer, bias = norms(norm)
    network: list[nn.Module] = [
        *(nn.Conv2d(channels, width, 4, 1 if blur else 2, 1), nn.LeakyReLU(0.2)),
        *([BlurDown(width)] if blur else []),
    ]
    before = width
    for number in range(1, layers + 1):
        after, halves = width * min(2**number, 8), number < layers
        stride = 2 if halves and not blur else 1
        network += [
            *(nn.Conv2d(before, after, 4, stride, 1, bias=bias), layer(after), nn.LeakyReLU(0.2)),
            *([BlurDown(after)] if halves and blur else []),
        ]
        before = after
    network.append(nn.Conv2d(before, 1, 4, 1, 1))
    return Inner("model", [*network, *([nn.AdaptiveAvgPool2d(1)] if pool else [])])


def pixel(width: int = 4, *, norm: str = "instance", channels: int = 3) -> nn.Module:
    layer, bias = norms(norm)
    network = [
        *(nn.Conv2d(channels, width, 1), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(width, 2 * width, 1, bias=bias), layer(2 * width), nn.LeakyReLU(0.2)),
        nn.Conv2d(2 * width, 1, 1),
    ]
    return Inner("net", network)


def trained(network: nn.Module, seed: int = 0) -> nn.Module:
    """The network with weights that have something to do, in evaluation mode.

    Scales, shifts and running statistics of a batch norm are not those of a new one.
    """
    generator = torch.Generator().manual_seed(seed)

    def drawn(tensor: Tensor, mean: float, deviation: float) -> None:
        tensor.copy_(mean + deviation * torch.randn(tensor.shape, generator=generator))

    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
                drawn(layer.weight, 0.0, 1.5 * layer.weight[0].numel() ** -0.5)
                if layer.bias is not None:
                    drawn(layer.bias, 0.0, 0.3)
            if isinstance(layer, nn.BatchNorm2d):
                drawn(layer.weight, 1.0, 0.2)
                drawn(layer.bias, 0.0, 0.3)
                drawn(layer.running_mean, 0.0, 0.3)
                drawn(layer.running_var, 0.0, 0.3)
                layer.running_var.abs_().add_(0.5)
                layer.num_batches_tracked.fill_(seed + 7)
    return network.eval()


def save(network: nn.Module, path: Path) -> Path:
    """As the other projects do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), path)
    return path


def picture(side: int, channels: int = 3, seed: int = 0) -> Tensor:
    """(1, channels, side, side), evenly in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(1, channels, side, side, generator=generator) - 1
