"""What is kept: arithmetic on the network's own sizes."""

from __future__ import annotations

import pytest
import torch

import gantrans
from gantrans.inference.large.network import captured
from gantrans.inference.large.nodes import shape_of
from gantrans.inference.large.plan import bytes_of, most_kept, passes
from gantrans.inference.large.tile import memory_of
from gantrans.inference.large.tiling import whole

REGISTRY = gantrans.load_registry()


def network(rows: int, columns: int, name: str = "resnet", **settings: object):
    config = REGISTRY.config("generator", name, {"type": name, **settings})
    return captured(config.build(in_channels=3, out_channels=3).eval(), rows, columns)


@pytest.mark.parametrize("width", [16, 64])
def test_residual_blocks_take_the_place_of_some_maps_at_a_quarter(width):
    plan = passes(network(1024, 512, width=width, blocks=9))
    quarter = 4 * width * (1024 // 4) * (512 // 4) * 4
    assert most_kept(plan) <= 4 * quarter  # at its end beside a map of half the resolution
    sizes = {shape_of(each.target)[2:] for each in plan if each.kept}
    assert (1024, 512) not in sizes  # full resolution is computed again
    assert (256, 128) in sizes


def test_every_normalisation_is_measured_once_and_before_it_is_used():
    net = network(64, 64, width=8, blocks=3)
    plan = passes(net)
    measured = [each.target for each in plan if each.measured]
    assert len(measured) == len(set(measured)) == 3 + 2 * 3 + 2
    for n, each in enumerate(plan):
        needed = {m for node in each.chain for m in net.operations[node].maps if m in net.measured}
        used = {
            net.operations[node].maps[0]
            for node in each.chain
            if type(net.operations[node]).__name__ == "Normalisation"
        }
        assert used <= {done.target for done in plan[:n]}
        assert used <= needed


def test_nothing_is_read_after_it_was_dropped():
    for settings in ({"name": "resnet", "width": 8}, {"name": "unet", "width": 8, "depth": 5}):
        net = network(64, 64, **settings)
        there = set()
        for each in passes(net):
            begins = {m for node in each.chain for m in net.operations[node].maps}
            begins -= {*each.chain, net.image}
            assert begins <= there
            if each.kept:
                there.add(each.target)
            there -= set(each.done_with)
        assert not there


def test_the_memory_of_a_convolution_is_that_of_what_it_reads_and_makes():
    net = network(32, 32, width=4, blocks=0, norm="none")
    first = list(net)[:2]  # reflection by 3, and the 7 x 7 convolution
    padded, made = 3 * 38 * 38 * 4, 4 * 32 * 32 * 4
    found = memory_of(net, first, whole(32, 32))
    assert padded + made <= found <= 2 * padded + made + 3 * 32 * 32 * 4
    assert bytes_of(first[-1]) == made


def test_exporting_takes_no_memory_for_the_picture():
    net = network(2**16, 2**16, width=4, blocks=1)  # 51 GB as floats
    assert shape_of(net.output) == torch.Size((1, 3, 2**16, 2**16))
