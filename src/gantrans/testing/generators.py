"""What a generator holds."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from gantrans.api.generator import Generator
from gantrans.testing import networks
from gantrans.testing.check import Check, Skipped, checks, need
from gantrans.testing.probe import (
    ORDINARY,
    Probe,
    distance,
    in_mode,
    in_use,
    legal_side,
    noise,
    probe_of,
)
from gantrans.testing.recomputing import recomputing_changes_no_gradient
from gantrans.testing.subject import Subject

SAME = 1e-4
"""Largest difference between results of one network that may come from rounding, as a share of the
first (both root mean square)."""


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


def gives_features(subject: Subject) -> None:
    """Each of its encoder's layers gives finite features (N, c, h, w) in floating point."""
    network, layers = _encoder(subject)
    x = probe(subject).images(2)
    need(
        len(set(layers)) == len(layers),
        f"encoder_layers() names a layer twice: {', '.join(layers)}; give each a name of its own",
    )
    for layer in layers:
        with in_mode(network, training=False), torch.no_grad():
            features = network.encoder_features(x, (layer,))
        need(
            set(features) == {layer},
            f"encoder_features(x, [{layer!r}]) gives {', '.join(features) or 'nothing'}: give a "
            "dict of the layers that are asked for, all of them and no other",
        )
        one = features[layer]
        need(
            one.dim() == 4 and len(one) == len(x) and one.numel() > 0,
            f"the features of {layer!r} are {tuple(one.shape)} for {len(x)} images: give "
            "(N, c, h, w), for tokens after reshaping them to maps",
        )
        need(
            one.is_floating_point() and bool(torch.isfinite(one).all()),
            f"the features of {layer!r} are {one.dtype} and not all finite: give finite floats",
        )


def features_come_with_the_image(subject: Subject) -> None:
    """Asked for together, image and features are those that it gives when asked one by one."""
    network, layers = _encoder(subject)
    x = probe(subject).images()
    with in_mode(network, training=False), torch.no_grad():
        image, features = network.forward_with_features(x, layers)
        same_image = network(x)
        together = network.encoder_features(x, layers)
        apart = {layer: network.encoder_features(x, (layer,))[layer] for layer in layers}
    need(
        image.shape == same_image.shape and distance([same_image], [image]) <= SAME,
        "forward_with_features gives another image than forward: run the same layers in both, or "
        "leave forward_with_features to the base class",
    )
    for call, found in (("forward_with_features", features), ("encoder_features", together)):
        need(
            set(found) == set(layers),
            f"{call} of all of its layers gives features of {', '.join(found) or 'none'}: give "
            "those of each layer that is asked for",
        )
        for layer in layers:
            one, other = apart[layer], found[layer]
            need(
                one.shape == other.shape and distance([one], [other]) <= SAME,
                f"{call} of all of its layers gives other features of {layer!r} than "
                "encoder_features of that layer alone: take them at the same place, and let no "
                "later layer write into them (inplace=True)",
            )


def features_pass_the_gradient_on(subject: Subject) -> None:
    """The gradient of the features of each layer reaches the image."""
    _, layers = _encoder(subject)
    at = probe(subject)
    network = at.fresh(0)
    assert isinstance(network, Generator)
    for layer in layers:
        x = at.images(2).requires_grad_()
        _, features = network.forward_with_features(x, (layer,))
        for found in (features[layer], network.encoder_features(x, (layer,))[layer]):
            [gradient] = (
                torch.autograd.grad((found * noise(*found.shape)).mean(), x, allow_unused=True)
                if found.requires_grad
                else [None]
            )
            need(
                gradient is not None and bool(gradient.any()),
                f"no gradient of the features of {layer!r} reaches the image, so a loss of them "
                "teaches nothing: leave out .detach(), no_grad() and the like",
            )


def _encoder(subject: Subject) -> tuple[Generator, tuple[str, ...]]:
    """The generator and its encoder's layers. Raises Skipped if it names none."""
    network = probe(subject).network
    assert isinstance(network, Generator)
    layers = network.encoder_layers()
    if not layers:
        raise Skipped("it has no encoder_layers(): losses of features cannot be used with it")
    return network, layers


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
    gives_features,
    features_come_with_the_image,
    features_pass_the_gradient_on,
    *networks.shared(
        probe,
        recomputing_changes_no_gradient,
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
