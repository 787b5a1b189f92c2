from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import nn

from gantrans.inference.large.network import captured
from gantrans.serving.layers import watched
from gantrans.serving.models import Served


def test_it_is_told_before_each_layer_what_share_is_done() -> None:
    network, shares = nn.Sequential(*(nn.ReLU() for _ in range(4))), []

    with watched(network, shares.append):
        network(torch.zeros(1))
    network(torch.zeros(1))  # nobody looks on any more

    assert shares == [0, 0.25, 0.5, 0.75]


def test_what_it_raises_ends_the_pass_before_the_next_layer() -> None:
    network, begun = nn.Sequential(nn.ReLU(), nn.ReLU(), nn.ReLU()), []
    for layer in network:
        layer.register_forward_hook(lambda *_: begun.append(1))

    def stop(share: float) -> None:
        if share > 0.5:
            raise InterruptedError

    with pytest.raises(InterruptedError), watched(network, stop):
        network(torch.zeros(1))

    assert len(begun) == 2
    assert not any(layer._forward_pre_hooks for layer in network)


def test_a_network_that_is_traced_is_left_alone(served: Sequence[Served]) -> None:
    generator = served[0].translator.generators["winter"]
    shares: list[float] = []

    with watched(generator, shares.append):
        captured(generator, 16, 16)

    assert not shares
