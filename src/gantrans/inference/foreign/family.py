"""Family: one architecture that other projects have too, and what they call its tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gantrans.api.component import Kind
from gantrans.builtins.blur import BlurDownsample, BlurUpsample
from gantrans.plugin.registry import Registry

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class Architecture:
    """A network, as its tensors' names and shapes say.

    Args:
        kind: "generator" or "discriminator".
        table: the component's table, with its `type`.
        in_channels: that it reads.
        out_channels: that a generator writes; None of a discriminator.
    """

    kind: Kind
    table: dict[str, Any]
    in_channels: int
    out_channels: int | None = None

    def __str__(self) -> str:
        """Such as "resnet (width 64, blocks 9, norm instance)"."""
        settings = ", ".join(f"{key} {value}" for key, value in self.table.items() if key != "type")
        return f"{self.table['type']} ({settings})"

    def outline(self, registry: Registry) -> nn.Module:
        """The network without memory for its tensors: they have shapes and no values."""
        config = registry.config(self.kind, self.table["type"], self.table)
        channels = {"in_channels": self.in_channels}
        if self.out_channels is not None:
            channels["out_channels"] = self.out_channels
        with torch.device("meta"):
            network: nn.Module = config.build(**channels)
        return network


@dataclass(frozen=True)
class Family:
    """How one component of gantrans looks in the files of other projects.

    Args:
        kind: "generator" or "discriminator".
        component: its name in gantrans.
        first: their name of its first tensor, the weight of a convolution, by which it is known.
        recognise: reads the architecture off a file's tensors, `first` among them. Where they do
            not fit together it reads something: `fit.py` compares all of them afterwards.
        their_name: their name of a tensor, from its name in gantrans and the network.
        refuse: from the component's table, why the network has no form in their files; or nothing.
        sequence: their name of the sequence that holds its layers; None if it has none.
    """

    kind: Kind
    component: str
    first: str
    recognise: Callable[[Tensors], Architecture]
    their_name: Callable[[str, nn.Module], str]
    refuse: Callable[[Mapping[str, Any]], str | None]
    sequence: str | None = None

    def names(self, network: nn.Module) -> dict[str, str]:
        """Their name of each tensor, by its name in gantrans; in the order of the network."""
        return {name: self.their_name(name, network) for name in network.state_dict()}

    def filters(self, network: nn.Module) -> dict[str, Tensor]:
        """The fixed blur filters, (channels, 1, k, k) each, which CUT keeps in its files."""
        found: dict[str, Tensor] = {}
        channels = 0
        layers = network.get_submodule("layers").named_children() if self.sequence else ()
        for place, layer in layers:
            if isinstance(layer, nn.Conv2d):
                channels = layer.out_channels
            if isinstance(layer, BlurDownsample | BlurUpsample):
                taps = type(layer)().taps  # the outline's own have no values
                square = torch.outer(taps, taps).repeat(channels, 1, 1, 1)
                found[f"{self.sequence}.{place}.filt"] = square
        return found


def size(found: Tensors, name: str, axis: int, otherwise: int) -> int:
    """One side of a tensor; `otherwise` if it is not there, which the comparison will say."""
    tensor = found.get(name)
    return otherwise if tensor is None or tensor.dim() <= axis else tensor.shape[axis]


def norm_of(found: Tensors, layer: str) -> str:
    """Which normalisation has these tensors at `layer`: "batch" has some, "instance" has none.

    Running statistics alone are those of an instance norm written before torch 0.4.
    """
    return "batch" if f"{layer}.weight" in found else "instance"


def refuse_norm(table: Mapping[str, Any]) -> str | None:
    """Why a table's normalisation has no form in the files of other projects, or nothing."""
    if table["norm"] in ({"type": "batch"}, {"type": "instance", "affine": False}):
        return None
    extra = " with a scale and a shift" if table["norm"]["type"] == "instance" else ""
    return f"there is no {table['norm']['type']} norm{extra} in them, only instance and batch norm"
