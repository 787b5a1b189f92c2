"""What a normalizer holds."""

from __future__ import annotations

import torch
from torch import nn

from gantrans.testing import networks
from gantrans.testing.check import Check, Skipped, checks, need
from gantrans.testing.probe import Probe, distance, in_training, maps, noise, probe_of
from gantrans.testing.subject import Subject

CHANNELS = 8


class Layer(nn.Module):
    """One layer, with what its normalizer says of it."""

    def __init__(self, layer: nn.Module, couples_batch: bool) -> None:
        super().__init__()
        self.layer, self.couples_batch = layer, couples_batch

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What the layer does."""
        y: torch.Tensor = self.layer(x)
        return y


def probe(subject: Subject) -> Probe:
    """A layer for 8 channels."""

    def build() -> nn.Module:
        normalizer = subject.build()
        return Layer(normalizer.layer(CHANNELS), normalizer.couples_batch)

    return probe_of(subject, build, lambda _: (CHANNELS, 6, 10))


def use(subject: Subject) -> None:
    """Normalise once."""
    at = probe(subject)
    in_training(at.network, at.images(2))


def keeps_the_shape(subject: Subject) -> None:
    """A layer for any number of channels keeps the shape, and lets the gradient through."""
    normalizer = subject.build()
    for channels in (1, 4, 48, 64):
        x = noise(2, channels, 6, 10).requires_grad_()
        [y] = maps(normalizer.layer(channels)(x))
        need(
            y.shape == x.shape,
            f"layer({channels}) makes {tuple(y.shape)} of {tuple(x.shape)}: keep the shape",
        )
        need(
            bool(torch.isfinite(y).all()),
            f"layer({channels}) gives values that are not finite: add an eps to what it divides by",
        )
        if y.requires_grad:
            torch.autograd.backward((y * noise(*y.shape)).sum())
        need(
            x.grad is not None and bool(x.grad.any()),
            f"no gradient passes through layer({channels}): leave out .detach() and no_grad()",
        )


def makes_a_layer_each_time(subject: Subject) -> None:
    """Each call of `layer` makes a layer of its own."""
    normalizer = subject.build()
    need(
        normalizer.layer(4) is not normalizer.layer(4),
        "layer(4) gives the same object twice, so that two places would share weights: make a new "
        "one each time",
    )


def cancels_the_bias_as_said(subject: Subject) -> None:
    """If `cancels_bias`, a constant added before a layer changes nothing, and it has a shift."""
    normalizer = subject.build()
    if not normalizer.cancels_bias:
        raise Skipped("cancels_bias is False: convolutions before it keep their bias")
    layer, x = normalizer.layer(4), noise(2, 4, 6, 10)
    off = distance(in_training(layer, x), in_training(layer, x + 3))
    need(
        off < 1e-3,
        "cancels_bias is True, but a constant added before the layer changes its result: set it "
        "to False, or convolutions lose a bias that they need",
    )
    need(
        isinstance(getattr(layer, "bias", None), nn.Parameter),
        "cancels_bias is True, but the layer has no learned `bias`: give it one, or set "
        "cancels_bias to False",
    )


CHECKS: tuple[Check, ...] = checks(
    "normalizer",
    keeps_the_shape,
    makes_a_layer_each_time,
    cancels_the_bias_as_said,
    *networks.shared(
        probe,
        networks.leaves_its_input_alone,
        networks.batch_coupling_is_as_said,
        networks.same_twice_with_one_seed,
        networks.leaves_randomness_alone,
        networks.survives_saving,
        networks.works_in_bf16,
        networks.builds_on_the_meta_device,
    ),
)
