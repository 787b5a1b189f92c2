"""PatchNCE (Park et al. 2020, equations 2 and 3): a patch is known by its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from gantrans.api.loss import Loss, LossConfig
from gantrans.api.step import ENDS, Features, TranslationStep


class PatchNCE(Loss):
    """What was made of a patch resembles that patch more than the others (Park et al. 2020).

    At each of the generator's `layers`, a two-layer head turns the features of a place into a
    vector of length 1. For a place s of the translation, v is its vector, v+ that of the same place
    in the source, and v- those of the other places there:

        -log exp(v.v+ / tau) / (exp(v.v+ / tau) + sum exp(v.v- / tau))    (equation 2)

    The term is the mean over places, images and layers; the paper writes sums, its code takes
    means. What is learned is the translation's side: nothing flows back into the source's vectors,
    neither to the encoder nor to the head. With `identity`, images of the target
    domain and what the generator makes of them give a second term (L_PatchNCE(G, H, Y)) of the same
    weight; the authors' code takes the mean of the two terms, which is half this weight.
    """

    name = "patch_nce"
    trainable = True
    presets = {
        "cut": {"weight": 1.0, "identity": True},
        "fastcut": {"weight": 10.0, "identity": False},
    }

    class Config(LossConfig):
        """Settings."""

        layers: tuple[str, ...] = Field(
            ("image", "down1", "down2", "block1", "block5"),
            min_length=1,
            description="layers of the generator whose features are compared, by name",
        )
        patches: int = Field(
            256, ge=2, description="places drawn at each layer; no more than it has pixels"
        )
        temperature: float = Field(
            0.07, gt=0, description="tau: the smaller, the more the most similar negatives count"
        )
        width: int = Field(256, ge=1, description="length of the head's two layers")
        negatives: Literal["image", "batch"] = Field(
            "image", description="other places: of the same image, or of all images of the batch"
        )
        identity: bool = Field(
            True, description="also compare images of the target domain with what is made of them"
        )

        @property
        def requires(self) -> frozenset[str]:
            """Features of translations, and of the target domain's images if asked for."""
            return frozenset({"features", *(["identity_features"] if self.identity else [])})

        @property
        def encoder_layers(self) -> tuple[str, ...]:
            """The layers."""
            return tuple(dict.fromkeys(self.layers))

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.heads = nn.ModuleList()

    def fit_to(self, features: Mapping[str, tuple[int, int, int]]) -> None:
        """A head for each layer, for as many channels as its features have.

        Raises:
            ValueError: if a layer has fewer pixels than `patches`.
        """
        width, patches = self.config.width, self.config.patches
        small = [
            f"at layer {layer!r} {across} x {height} = {height * across}"
            for layer, (_, height, across) in features.items()
            if height * across < patches
        ]
        if small:
            raise ValueError(
                f"{patches} patches are drawn, and the features have fewer pixels: "
                f"{', '.join(small)}; set patches to that or less, leave out the layer, or train "
                "on larger crops"
            )
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(channels, width), nn.ReLU(), nn.Linear(width, width))
            for channels, _, _ in (features[layer] for layer in self.config.encoder_layers)
        )

    def generator(self, step: TranslationStep) -> Mapping[str, Tensor]:
        """The term of each direction ("ab"), and with `identity` that of its target ("b")."""
        terms: dict[str, Tensor] = {}
        for direction, (_, target) in ENDS.items():
            if target in step.features:
                terms[direction] = self._compare(*step.features[target])
        if self.config.identity:
            for domain, (made, source) in step.identity_features.items():
                terms[domain] = self._compare(made, source)
        return terms

    def _compare(self, made: Features, source: Features) -> Tensor:
        layers = self.config.encoder_layers
        terms = [
            self._nce(head, made[layer], source[layer])
            for layer, head in zip(layers, self.heads, strict=True)
        ]
        return torch.stack(terms).mean()

    def _nce(self, head: nn.Module, made: Tensor, source: Tensor) -> Tensor:
        """Equation 2 at one layer, (N, c, h, w) each, at the same random places of both."""
        pixels = made.shape[2] * made.shape[3]
        places = torch.randperm(pixels, device=made.device)[: self.config.patches]
        v = _vectors(head, made, places)
        with torch.no_grad():
            others = _vectors(head, source, places)
        if self.config.negatives == "batch":
            v, others = v.flatten(0, 1)[None], others.flatten(0, 1)[None]
        # The right answer for place s is s, among all places.
        similar = v @ others.transpose(1, 2) / self.config.temperature
        right = torch.arange(similar.shape[1], device=similar.device).expand(len(similar), -1)
        return F.cross_entropy(similar.flatten(0, 1), right.flatten())


def _vectors(head: nn.Module, features: Tensor, places: Tensor) -> Tensor:
    """(N, c, h, w) -> (N, S, width), each of length 1, of S places among the h w."""
    drawn = features.flatten(2)[:, :, places].transpose(1, 2)
    return F.normalize(head(drawn.to(next(head.parameters()).dtype)), dim=2)
