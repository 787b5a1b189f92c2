"""What a generator holds."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from gantrans.testing import networks
from gantrans.testing.check import Check, checks, need
from gantrans.testing.probe import ORDINARY, Probe, in_use, legal_side, noise, probe_of
from gantrans.testing.subject import Subject


def probe(subject: Subject) -> Probe:
    """A generator from 3 channels to 3, with a square image."""

    def shape(network: nn.Module) -> tuple[int, int, int]:
        side = legal_side(network, ORDINARY)
        return 3, side, side

    return probe_of(subject, lambda: subject.build(in_channels=3, out_channels=3), shape)


def translated(subject: Subject) -> Tensor:
    """What it makes of the probe's image, computed once."""
    at = probe(subject)
    result = subject.once("translated", lambda: in_use(at.network, at.images()))
    return result[0]


def use(subject: Subject) -> None:
    """Translate an image."""
    translated(subject)


def keeps_the_size(subject: Subject) -> None:
    """A translation has the height and width of its image."""
    _need_shape(translated(subject), 3, probe(subject).images())


def values_are_in_range(subject: Subject) -> None:
    """A translation is float32, with finite values in [-1, 1]."""
    y = translated(subject)
    need(y.dtype == torch.float32, f"it gives {y.dtype} for a float32 image: give float32")
    need(bool(torch.isfinite(y).all()), "it gives values that are not finite")
    at = probe(subject)
    trained = at.fresh(0)
    with torch.no_grad():  # weights grow in training; what keeps the range must not be their size
        for weight in trained.parameters():
            weight.mul_(10)
    [strong] = in_use(trained, at.images())
    most = max(float(one.nan_to_num(0, 0, 0).abs().max()) for one in (y, strong))
    need(
        most <= 1,
        f"with larger weights it gives values up to {most:.3g}: end with a tanh, which keeps "
        "values in [-1, 1] whatever the weights",
    )


def takes_oblong_images(subject: Subject) -> None:
    """It translates images that are wider than high, and higher than wide."""
    at = probe(subject)
    height = at.shape[1]
    width = legal_side(at.network, height + 1)
    for size in ((height, width), (width, height)):
        x = noise(1, 3, *size)
        what = f"images of {size[1]} x {size[0]} pixels, both multiples of multiple_of"
        [y] = subject.may_refuse(partial(in_use, at.network, x), what)
        _need_shape(y, 3, x)


def takes_other_channels(subject: Subject) -> None:
    """Its channels are those of the two domains that it is built for, such as gray to colour."""
    side = probe(subject).shape[1]
    for read, written in ((1, 3), (3, 1)):

        def once(read: int = read, written: int = written) -> Tensor:
            network = subject.config.build(in_channels=read, out_channels=written)
            return in_use(network, noise(1, read, side, side))[0]

        what = f"in_channels={read} and out_channels={written}"
        _need_shape(subject.may_refuse(once, what), written, noise(1, read, side, side))


def _need_shape(y: Tensor, channels: int, x: Tensor) -> None:
    wanted = (len(x), channels, *x.shape[2:])
    need(
        tuple(y.shape) == wanted,
        f"it makes {tuple(y.shape)} of images {tuple(x.shape)}, not {wanted}: pad and upsample so "
        "that the size comes back, give out_channels channels, and set multiple_of to what "
        "height and width must be multiples of",
    )


CHECKS: tuple[Check, ...] = checks(
    "generator",
    keeps_the_size,
    values_are_in_range,
    takes_oblong_images,
    takes_other_channels,
    *networks.shared(
        probe,
        networks.takes_the_smallest_size,
        networks.leaves_its_input_alone,
        networks.gradient_reaches_all,
        networks.batch_coupling_is_as_said,
        networks.same_twice_with_one_seed,
        networks.in_use_it_draws_nothing,
        networks.leaves_randomness_alone,
        networks.survives_saving,
        networks.works_in_bf16,
        networks.builds_on_the_meta_device,
    ),
)
