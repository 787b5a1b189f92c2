"""Generator: the network that translates an image of one domain into the other."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, ClassVar

from torch import Tensor, nn

from gantrans.api.component import Component, ComponentConfig
from gantrans.api.slot import Slot


class GeneratorConfig(ComponentConfig):
    """Settings of a generator."""


class Generator(Component, nn.Module):
    """Translates images; any height and width that are multiples of `multiple_of`.

    Args:
        config: its settings.
        in_channels: channels of the domain it reads.
        out_channels: channels of the domain it writes.
    """

    kind = "generator"
    Config: ClassVar[type[ComponentConfig]] = GeneratorConfig

    multiple_of: int = 1
    """Height and width of the input must be multiples of this; callers pad and crop."""

    min_size: int = 1
    """The smallest height and width, in pixels, that the network can take."""

    own_weights: ClassVar[bool] = False
    """True: the weights it is built with are those to begin with; `[init]` of the spec is not for
    it. Whatever it draws comes from torch's generator, which is seeded before it is built. The same
    attribute on a module inside a network keeps that module's weights."""

    couples_batch: bool = False
    """True if, in training, an image's result depends on its batch (see Normalizer)."""

    recomputes: bool = False
    """True if it knows `recompute`, with the settings that it has."""

    recompute: bool = False
    """Set by training (`train.recompute`): forget what is inside of blocks, and compute it again
    for their gradients. `gantrans.api.recompute.recomputed` does that for one block."""

    def __init__(self, config: Any, *, in_channels: int, out_channels: int) -> None:
        nn.Module.__init__(self)
        self.config = config
        self.in_channels = in_channels
        self.out_channels = out_channels

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) in [-1, 1] -> (N, out_channels, H, W) in [-1, 1]."""
        raise NotImplementedError  # each network has its own

    def encoder_layers(self) -> tuple[str, ...]:
        """Names of the layers that `encoder_features` knows, from the image on; none by default."""
        return ()

    def encoder_features(self, x: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """What the encoder sees in images, at some of its layers.

        Args:
            x: (N, in_channels, H, W) in [-1, 1].
            layers: some of `encoder_layers()`; no layer after the last of them is run.

        Returns:
            (N, c, h, w) for each layer.
        """
        raise NotImplementedError  # for those with `encoder_layers`

    def forward_with_features(
        self, x: Tensor, layers: Collection[str]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """`forward(x)` and `encoder_features(x, layers)`; in one pass where a network can."""
        return self(x), self.encoder_features(x, layers)


GeneratorSlot = Annotated[GeneratorConfig, Slot("generator")]
