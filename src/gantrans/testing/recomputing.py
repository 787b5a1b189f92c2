"""What a generator holds that says it can recompute its blocks."""

from __future__ import annotations

import torch
from torch import Tensor

from gantrans.api.generator import Generator
from gantrans.testing.check import Skipped, need
from gantrans.testing.probe import Probe, distance, in_mode, noise

SAME = 1e-4
"""Largest difference between gradients that may come from rounding, as a share of the first (both
root mean square)."""


def recomputing_changes_no_gradient(probe: Probe) -> None:
    """Told to recompute, if it can, it keeps less in memory, and its gradients are the same."""
    network = probe.fresh(0)
    assert isinstance(network, Generator)
    if not network.recomputes:
        raise Skipped("it does not say that it recomputes")
    results = []
    for recompute in (False, True):
        network.recompute = recompute
        with in_mode(network, training=True):
            kept, gradients = _kept_for_gradients(network, probe.images(2))
        results.append((kept, gradients))
    (plain, expected), (less, found) = results
    need(
        less < plain,
        f"told to recompute, it keeps {less:,} bytes for its gradients, and {plain:,} otherwise: "
        "run its blocks through gantrans.api.recompute.recomputed(block, x, self.recompute), or "
        "leave `recomputes` False",
    )
    need(
        distance(expected, found) <= SAME,
        "told to recompute, it has other gradients: what runs twice must give the same, write "
        "into nothing, and keep no statistics (see gantrans.api.recompute.may_run_twice)",
    )


def _kept_for_gradients(network: Generator, x: Tensor) -> tuple[int, list[Tensor]]:
    """Bytes that a pass keeps for the gradients, each tensor once; and the gradients."""
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    torch.manual_seed(3)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        y = network(x.requires_grad_())
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    found = torch.autograd.grad((y * noise(*y.shape)).mean(), [x, *weights], allow_unused=True)
    return sum(kept.values()), [one for one in found if one is not None]
