from __future__ import annotations

from torch import nn

from gantrans.training.in_use import in_use


def test_each_part_comes_back_in_the_mode_it_was_in() -> None:
    frozen = nn.Sequential(nn.BatchNorm2d(3)).eval()
    network = nn.Sequential(frozen, nn.Dropout())
    network.training = True
    before = [part.training for part in network.modules()]
    with in_use([network]):
        assert not any(part.training for part in network.modules())
    assert [part.training for part in network.modules()] == before
    assert not frozen[0].training and network[1].training
