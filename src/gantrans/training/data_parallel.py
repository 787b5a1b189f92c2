"""Phases on several ranks: every gradient is the mean over all of them.

A loss is a mean over images, and each rank has as many. So the mean over ranks is the gradient of
the whole batch, as one process would compute it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from gantrans.api.method import Batch, Phase, PhaseResult
from gantrans.api.ranks import several
from gantrans.errors import PluginError


class DataParallel:
    """A phase whose backward pass ends with the gradients of all ranks' images.

    Args:
        phase: of a method.
        trained: the weights that it trains; one at least.
        accumulate: of so many batches the gradients are added up; they are exchanged once.

    Raises:
        PluginError: if `trained` are not among the phase's parameters.
    """

    def __init__(self, phase: Phase, trained: Sequence[nn.Parameter], accumulate: int) -> None:
        own = {id(weight) for weight in phase.parameters()}
        if any(id(weight) not in own for weight in trained):
            raise PluginError(
                f"the phase {phase.name!r} trains networks that are no attributes of it: several "
                "processes cannot share its gradients; its author has to set them as attributes "
                "(self.network = ...)"
            )
        self.trained, self.accumulate, self.calls = trained, accumulate, 0
        weights = {id(weight) for weight in trained}
        others = [w for w in phase.parameters() if w.requires_grad and id(w) not in weights]
        for other in others:  # it exchanges whatever requires gradients now
            other.requires_grad_(False)
        # Buffers are each rank's own. Not every weight is used at every step: losses have cadences.
        warnings.filterwarnings("ignore", "Grad strides do not match")  # a copy more, that is all
        with warnings.catch_warnings():  # newer torch calls the setting of buffers by another name
            warnings.simplefilter("ignore", FutureWarning)
            self.shared = DistributedDataParallel(
                _Anchored(phase, trained[0]), broadcast_buffers=False, find_unused_parameters=True
            )
        for other in others:
            other.requires_grad_(True)

    def __call__(self, batch: Batch) -> PhaseResult:
        """The phase on this rank's share of a batch."""
        self.calls += 1
        last = self.calls % self.accumulate == 0
        with nullcontext() if last else self.shared.no_sync():
            result: PhaseResult
            anchor: Tensor | None
            result, anchor = self.shared(batch)
        if anchor is not None and last:
            torch.autograd.backward(anchor)
            for weight in self.trained:
                weight.grad = None
        return result


class _Anchored(nn.Module):
    """A phase, and for steps without any term a zero to go back from.

    The exchange of gradients is prepared by the forward pass, and only a backward pass ends it.
    """

    def __init__(self, phase: Phase, weight: nn.Parameter) -> None:
        super().__init__()
        self.phase, self.weight = phase, weight

    def forward(self, batch: Batch) -> tuple[PhaseResult, Tensor | None]:
        """What the phase gives, its terms in dicts, in which torch finds them; the zero."""
        result = self.phase(batch)
        terms = {
            loss: dict(given) if isinstance(given, Mapping) else given
            for loss, given in result.terms.items()
        }
        each = [t for g in terms.values() for t in (g.values() if isinstance(g, dict) else [g])]
        anchor = None if any(term.requires_grad for term in each) else 0 * self.weight.sum()
        return PhaseResult(terms, dict(result.fake)), anchor


def average_over_ranks(weights: Iterable[nn.Parameter]) -> None:
    """Replace gradients that are each rank's own by their mean; alone, they stay as they are."""
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    if not (several() and gradients):
        return
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    parts = torch.split(flat, [gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))
