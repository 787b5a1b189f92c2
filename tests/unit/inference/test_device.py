from __future__ import annotations

import pytest
import torch

from gantrans.errors import UsageError
from gantrans.inference.device import choose_device


@pytest.fixture
def machine(monkeypatch):
    def pretend(cuda: int = 0, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    ("cuda", "mps", "best"), [(0, False, "cpu"), (0, True, "mps"), (2, False, "cuda")]
)
def test_auto_is_the_fastest_there_is(machine, cuda, mps, best):
    machine(cuda, mps)
    assert choose_device("auto") == torch.device(best)


def test_a_device_is_taken_by_name(machine):
    machine(cuda=2)
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("cuda:1") == torch.device("cuda", 1)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps", "gpu", "", "cpu:x", "CUDA:", "meta"])
def test_what_is_not_there_is_refused_with_what_is(machine, name):
    machine()
    with pytest.raises(UsageError, match="there are: auto, cpu"):
        choose_device(name)


def test_a_gpu_too_many_is_refused_with_those_that_are_there(machine):
    machine(cuda=2)
    with pytest.raises(UsageError, match="cuda, cuda:0, cuda:1, cpu"):
        choose_device("cuda:2")


def test_each_process_of_a_machine_has_a_gpu_of_its_own(machine, monkeypatch):
    machine(cuda=2)
    taken = []
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    for name in ("auto", "cuda"):
        assert choose_device(name, rank=1, ranks=2) == torch.device("cuda", 1)
    assert taken == [1, 1]
    assert choose_device("cpu", rank=1, ranks=2) == torch.device("cpu")


def test_two_processes_do_not_share_a_gpu(machine):
    machine(cuda=2)
    with pytest.raises(UsageError, match="cannot share 'cuda:1'"):
        choose_device("cuda:1", rank=1, ranks=2)
    with pytest.raises(UsageError, match="--nproc-per-node=2"):
        choose_device("auto", rank=2, ranks=3)
