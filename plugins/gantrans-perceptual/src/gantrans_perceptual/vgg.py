"""The VGG feature loss (Johnson et al. 2016, equation 2; Ledig et al. 2017, equation 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field, ValidationInfo, field_validator
from torch import Tensor

from gantrans.api.comparison import Comparison, compared, reads
from gantrans.api.loss import Loss, LossConfig
from gantrans.api.path import SpecPath
from gantrans.api.problem import nearest
from gantrans.api.step import TranslationStep
from gantrans_perceptual.features import Features
from gantrans_perceptual.networks import LAYERS
from gantrans_perceptual.weights import WEIGHTS


class VGG(Loss):
    """Images shall look alike to a VGG: the sum over layers of weight x mean distance of the maps.

    The mean is over all elements of a map, so layers of all sizes count alike.
    """

    name = "vgg"
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "johnson": {"network": "vgg16", "layers": {"relu3_3": 1.0}, "distance": "l2"},
        "srgan": {"network": "vgg19", "layers": {"relu5_4": 1.0}, "distance": "l2"},
        "pix2pixhd": {
            "network": "vgg19",
            "layers": {
                "relu1_1": 1 / 32,
                "relu2_1": 1 / 16,
                "relu3_1": 1 / 8,
                "relu4_1": 1 / 4,
                "relu5_1": 1.0,
            },
            "distance": "l1",
        },
    }

    class Config(LossConfig):
        """Settings."""

        compare: Comparison = Field("cycle", description="which images are compared")
        network: Literal["vgg16", "vgg19"] = Field("vgg16", description="whose features")
        layers: dict[str, Annotated[float, Field(gt=0)]] = Field(
            {"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0, "relu4_3": 1.0},
            min_length=1,
            description="layers (relu3_3, or conv3_3 before its ReLU), each with its weight",
        )
        distance: Literal["l1", "l2"] = Field(
            "l1", description="l1: mean absolute difference; l2: mean squared difference"
        )
        weights: SpecPath | Literal["random"] | None = Field(None, description=WEIGHTS)

        @field_validator("layers")
        @classmethod
        def _exist(cls, layers: dict[str, float], info: ValidationInfo) -> dict[str, float]:
            network = info.data.get("network", "vgg19")  # absent: that is the mistake to show
            for name in layers:
                if name not in (known := LAYERS[network]):
                    hint = nearest(name, list(known))
                    raise ValueError(f"{network} has no layer {name!r}{hint}")
            return layers

        @property
        def requires(self) -> frozenset[str]:
            """The images to compare."""
            return reads(self.compare)

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.features = Features(config.network, config.layers, config.weights)

    def generator(self, step: TranslationStep) -> Mapping[str, Tensor]:
        """The distance, for each domain that the made images look like."""
        return {
            domain: self.distance(made, wanted)
            for domain, (made, wanted) in compared(step, self.config.compare).items()
        }

    def distance(self, made: Tensor, wanted: Tensor) -> Tensor:
        """Of two batches, each (N, 1 or 3, H, W) in [-1, 1]: a scalar, the mean over the batch."""
        apart = F.l1_loss if self.config.distance == "l1" else F.mse_loss
        here, there = self.features(made), self.features(wanted)
        layers = self.config.layers.items()
        return torch.stack([w * apart(here[name], there[name]) for name, w in layers]).sum()
