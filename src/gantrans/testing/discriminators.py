"""What a discriminator holds."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from gantrans.testing import networks
from gantrans.testing.check import Check, checks, need
from gantrans.testing.probe import ORDINARY, Probe, in_use, legal_side, noise, probe_of
from gantrans.testing.subject import Subject


def probe(subject: Subject) -> Probe:
    """A discriminator of 3 channels, with a square image."""

    def shape(network: nn.Module) -> tuple[int, int, int]:
        side = legal_side(network, ORDINARY)
        return 3, side, side

    return probe_of(subject, lambda: subject.build(in_channels=3), shape)


def use(subject: Subject) -> None:
    """Judge an image."""
    at = probe(subject)
    in_use(at.network, at.images())


def gives_score_maps(subject: Subject) -> None:
    """It gives finite score maps (N, 1, h, w), one or several."""
    at = probe(subject)
    scores = in_use(at.network, at.images(2))
    _need_scores(scores, 2)
    for one in scores:
        need(one.dtype == torch.float32, f"it gives {one.dtype} for float32 images: give float32")
        need(bool(torch.isfinite(one).all()), "it gives scores that are not finite")


def takes_oblong_images(subject: Subject) -> None:
    """It judges images that are wider than high, and higher than wide."""
    at = probe(subject)
    height = at.shape[1]
    for size in ((height, height + 4), (height + 4, height)):
        x = noise(1, 3, *size)
        what = f"images of {size[1]} x {size[0]} pixels"
        _need_scores(subject.may_refuse(partial(in_use, at.network, x), what), 1)


def takes_other_channels(subject: Subject) -> None:
    """It judges images of as many channels as it is built for, such as gray ones."""
    side = probe(subject).shape[1]

    def gray() -> list[Tensor]:
        return in_use(subject.config.build(in_channels=1), noise(1, 1, side, side))

    _need_scores(subject.may_refuse(gray, "in_channels=1"), 1)


def _need_scores(scores: list[Tensor], count: int) -> None:
    need(bool(scores), "it gives no score map: give one at least")
    for one in scores:
        fits = one.dim() == 4 and tuple(one.shape[:2]) == (count, 1) and one.numel() > 0
        need(
            fits,
            f"it gives scores {tuple(one.shape)} for {count} images: give ({count}, 1, h, w), "
            "with h = w = 1 for one score an image, and set min_size so that h and w are not 0",
        )


CHECKS: tuple[Check, ...] = checks(
    "discriminator",
    gives_score_maps,
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
