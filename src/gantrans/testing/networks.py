"""What generators, discriminators and normalisation layers all hold, as networks."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path

import torch
from torch import nn

from gantrans.inference.weights import load_tensors, save_tensors
from gantrans.testing.check import CheckFailed, Function, Skipped, blamed, need
from gantrans.testing.probe import (
    Probe,
    distance,
    equal,
    in_mode,
    in_training,
    in_use,
    legal_side,
    maps,
    noise,
    seeds_torch,
)
from gantrans.testing.subject import Subject

BF16_TOLERANCE = 0.1
"""Largest difference of a result under bf16 autocast, as a share of the float32 result (both root
mean square). bf16 keeps 8 bits of a number, and twenty layers add up."""


def shared(
    probe: Callable[[Subject], Probe], *functions: Callable[[Probe], None]
) -> tuple[Function, ...]:
    """The checks of this file for one kind, whose networks `probe` makes."""

    def bound(function: Callable[[Probe], None]) -> Function:
        @wraps(function)
        def run(subject: Subject) -> None:
            function(probe(subject))

        return run

    return tuple(bound(function) for function in functions)


def takes_the_smallest_size(probe: Probe) -> None:
    """It takes images of the smallest size that it names."""
    network = probe.network
    side = legal_side(network, 1)
    try:
        in_use(network, noise(1, probe.shape[0], side, side))
    except Exception as error:
        named = [
            f"{name} = {getattr(network, name)}"
            for name in ("min_size", "multiple_of")
            if hasattr(network, name)
        ]
        raise CheckFailed(
            f"an image of {side} x {side} pixels, which {' and '.join(named)} allow, raises "
            f"{blamed(error, probe.subject.code)}; set self.min_size to what it needs"
        ) from error


def leaves_its_input_alone(probe: Probe) -> None:
    """The images that it is given are afterwards as they were."""
    x = probe.images(2)
    before = x.clone()
    with in_mode(probe.network, training=True):
        probe.network(x)
    need(
        torch.equal(x, before),
        "it writes into the images that it is given, which others read after it: use x = x + y, "
        "not x += y, and no inplace=True before the first layer that makes a new tensor",
    )
    need(not x.requires_grad, "it calls requires_grad_() on its input: use x.detach() of it")


def gradient_reaches_all(probe: Probe) -> None:
    """The gradient reaches each of its weights, and the image."""
    network = probe.fresh(0)
    random = torch.Generator().manual_seed(5)
    with torch.no_grad():  # weights may begin at 0 and so stop others' gradients, at first only
        for weight in network.parameters():
            weight.add_(torch.randn(weight.shape, generator=random), alpha=0.02)
    x = probe.images(2).requires_grad_()
    results = maps(network(x))
    torch.autograd.backward([(y * noise(*y.shape)).mean() for y in results])
    for name, weight in network.named_parameters():
        if not weight.requires_grad:
            continue
        need(
            weight.grad is not None,
            f"no gradient reaches {name}: use it in forward, delete it, or freeze it with "
            "requires_grad_(False); .detach(), .data and no_grad() cut gradients off",
        )
        assert weight.grad is not None
        need(
            bool(torch.isfinite(weight.grad).all()),
            f"the gradient of {name} is not finite: look for a division or a root of 0",
        )
        # A shift in front of a normalisation has none, rightly.
        need(
            weight.dim() == 1 or bool(weight.grad.any()),
            f"the gradient of {name} is 0 everywhere: its result is not used, or is rounded off",
        )
    need(
        x.grad is not None and bool(x.grad.any()),
        "no gradient reaches the image, so what stands before it in a cycle cannot learn: leave "
        "out .detach(), no_grad(), round() and the like",
    )


def batch_coupling_is_as_said(probe: Probe) -> None:
    """In training, images of a batch are apart, unless `couples_batch` says otherwise."""
    network, x = probe.network, probe.images(2)
    x[1] *= 0.3  # batch statistics that are far from each image's own
    dropping = [m for m in network.modules() if isinstance(m, nn.modules.dropout._DropoutNd)]
    rates = [m.p for m in dropping]
    for module in dropping:
        module.p = 0.0
    try:
        together = in_training(network, x)
        if not equal(together, in_training(network, x, seed=4)):
            raise Skipped("it draws random numbers in training, which hide it")
        said = bool(getattr(network, "couples_batch", False))
        try:
            apart = [in_training(network, x[n : n + 1]) for n in (0, 1)]
        except Exception as error:
            if said:
                return  # batch norm of one value has no variance, and says so
            raise CheckFailed(
                f"in training it takes two images but not one ({error}): set "
                "self.couples_batch = True, or make it take one"
            ) from error
    finally:
        for module, rate in zip(dropping, rates, strict=True):
            module.p = rate
    single = [torch.cat(pair) for pair in zip(*apart, strict=True)]
    coupled = distance(together, single) > 1e-3
    need(
        said or not coupled,
        "in training, an image's result depends on the others in its batch: set "
        "self.couples_batch = True (for a `norm` slot: norm.couples_batch)",
    )
    need(
        coupled or not said,
        "couples_batch is True, but images of a batch do not depend on each other: set it to "
        "False, and passes may run as one batch",
    )


def same_twice_with_one_seed(probe: Probe) -> None:
    """Built and run twice after the same torch.manual_seed, it gives the same."""
    again = probe.fresh(0)
    weights, others = probe.network.state_dict(), again.state_dict()
    differing = [name for name, value in weights.items() if not torch.equal(value, others[name])]
    need(
        not differing,
        f"built twice with one seed, it has other values in {', '.join(differing[:3])}: draw them "
        "with torch, not with random or numpy",
    )
    x = probe.images(2)
    first, *repeated = (in_training(network, x) for network in (probe.network, again, again))
    need(
        all(equal(first, result) for result in repeated),
        "run twice with one seed, it gives two results: draw random numbers with torch, and keep "
        "no memory of earlier calls",
    )


def in_use_it_draws_nothing(probe: Probe) -> None:
    """After eval() it gives the same for the same image every time, whatever the seed."""
    x = probe.images()
    results = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        results.append(in_use(probe.network, x))
    need(
        equal(*results),
        "after eval() it gives two results for one image: draw random numbers only while "
        "self.training",
    )


def leaves_randomness_alone(probe: Probe) -> None:
    """Building and running it does not seed torch, whose random numbers others draw too."""

    def train() -> None:
        with in_mode(network, training=True), torch.no_grad():
            network(probe.images(2))

    network = probe.fresh(0)
    for what, doing in (("__init__", probe.build), ("forward", train)):
        need(
            not seeds_torch(doing),
            f"after its {what}, torch draws the same whatever was drawn before: leave out "
            "torch.manual_seed(), and draw what must not vary from a torch.Generator of its own",
        )


def survives_saving(probe: Probe) -> None:
    """After training, its weights, saved and loaded into a new one, give the same result."""
    x = probe.images()
    network, other = probe.fresh(0), probe.fresh(9)
    with torch.no_grad():  # running statistics are no longer what they began as
        for seed in (6, 7):
            network(noise(2, *probe.shape, seed=seed))
    file: Path = probe.subject.folder("weights") / "network.safetensors"
    save_tensors(file, network.state_dict())
    try:
        other.load_state_dict(load_tensors(file, "cpu"))
    except RuntimeError as error:
        raise CheckFailed(
            f"its weights do not fit a second one of the same settings: {error}; build the same "
            "layers every time"
        ) from None
    need(
        equal(in_use(network, x), in_use(other, x)),
        "loaded into a new network, its weights give another result: keep all that it needs in "
        "parameters or in persistent buffers (register_buffer), not in plain attributes",
    )


def works_in_bf16(probe: Probe) -> None:
    """Under bf16 autocast on the CPU its result is finite and within 10 % of the float32 one."""
    x = probe.images()
    exact = in_use(probe.network, x)
    try:
        with torch.autocast("cpu", torch.bfloat16):
            rough = in_use(probe.network, x)
    except RuntimeError as error:
        raise CheckFailed(
            f"under bf16 autocast it raises {error}; bring tensors that it makes itself to the "
            "type of those that they meet (y.to(x.dtype)), or do the step in float32 "
            "(torch.autocast(x.device.type, enabled=False))"
        ) from error
    need(
        all(bool(torch.isfinite(y).all()) for y in rough),
        "under bf16 autocast its result is not finite: do exponentials, sums of many and "
        "divisions in float32 (.float())",
    )
    off = distance(exact, rough)
    need(
        off <= BF16_TOLERANCE,
        f"under bf16 autocast its result is {off:.0%} off the float32 one, more than "
        f"{BF16_TOLERANCE:.0%}: do what needs digits in float32 (x.float())",
    )


def builds_on_the_meta_device(probe: Probe) -> None:
    """It can be built without memory (device "meta"), to look at its shapes."""
    try:
        with torch.device("meta"):
            network = probe.fresh(0)
    except Exception as error:
        cause = error.__cause__ or error
        raise CheckFailed(
            f"on the meta device its __init__ raises {blamed(cause, probe.subject.code)}; read no "
            "values of tensors there (.item(), `if tensor`): take Python's numbers"
        ) from error
    tensors = [*network.named_parameters(), *network.named_buffers()]
    elsewhere = [name for name, tensor in tensors if not tensor.is_meta]
    need(
        not elsewhere,
        f"on the meta device it makes {', '.join(elsewhere[:3])} elsewhere: leave out device=, "
        "and make tensors with torch, not from numpy or files",
    )
