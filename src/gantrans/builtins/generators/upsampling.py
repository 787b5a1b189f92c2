"""How generators double the resolution: what their setting `upsample` chooses from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from gantrans.builtins.blur import BlurUpsample

Upsample = Annotated[
    Literal["transpose", "nearest", "blur"],
    Field(
        description="transposed convolution; nearest-neighbour and convolution, which leaves no "
        "checkerboard; or antialiased interpolation and convolution (CUT)"
    ),
]


def doubled(
    in_channels: int, out_channels: int, upsample: Upsample, *, kernel: int, bias: bool
) -> list[nn.Module]:
    """Layers that double height and width: (N, in_channels, H, W) -> (N, out_channels, 2H, 2W).

    Args:
        in_channels: channels before.
        out_channels: channels after.
        upsample: "nearest" is a 3 x 3 convolution after copying pixels (Odena et al. 2016), "blur"
            one after antialiased interpolation (Zhang 2019), with zeros around it as CUT has it.
        kernel: side of the transposed convolution's kernel, 3 or 4.
        bias: whether the convolution has one.
    """
    if upsample == "nearest":
        return [
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.ReflectionPad2d(1),
            nn.Conv2d(in_channels, out_channels, 3, bias=bias),
        ]
    if upsample == "blur":
        return [BlurUpsample(), nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=bias)]
    # 2 (H - 1) - 2 padding + kernel + output_padding is to be 2 H.
    return [
        nn.ConvTranspose2d(
            in_channels,
            out_channels,
            kernel,
            stride=2,
            padding=1,
            output_padding=4 - kernel,
            bias=bias,
        )
    ]
