"""What needs no second process; the rest is in tests/integration/test_distributed.py."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from torch import nn

from gantrans.api.method import Phase
from gantrans.api.ranks import gathered, own_share
from gantrans.errors import DataError, PluginError, SpecError, UsageError
from gantrans.spec.load import load
from gantrans.training.alike import refuse_unequal
from gantrans.training.assemble import assemble
from gantrans.training.bench.measure import bench
from gantrans.training.data_parallel import DataParallel
from gantrans.training.distributed import (
    ALONE,
    LostRankError,
    Ranks,
    all_ranks,
    noticing_loss,
)
from gantrans.training.session import rehearse
from tiny_run import tiny_spec


def test_without_torchrun_or_with_one_process_nothing_is_distributed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with all_ranks() as ranks:
        assert ranks is ALONE
    monkeypatch.setenv("WORLD_SIZE", "1")
    with all_ranks() as ranks:
        assert ranks is ALONE and not torch.distributed.is_initialized()
    images = torch.randn(3, 1, 2, 2)
    assert gathered(images) is images and own_share(images) is images
    assert ranks.exchange({"a": 1}) == [{"a": 1}] and ranks.largest(7) == 7
    assert ranks.to_first([images])[0][0] is images


def test_half_of_what_torchrun_says_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    for name in ("RANK", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match=r"RANK.*start with torchrun"), all_ranks():
        pass


def test_a_batch_that_cannot_be_shared_equally_is_refused_with_one_that_can() -> None:
    loaded = load(tiny_spec(train={"batch_size": 4}))
    with pytest.raises(SpecError, match=r"by 3 processes: .*--set train.batch_size=6"):
        assemble(loaded, torch.device("cpu"), Ranks(0, 3))
    assert assemble(loaded, torch.device("cpu"), Ranks(1, 2)).steps_per_epoch == 2


@dataclass(frozen=True)
class Two(Ranks):
    """A rank that hears something of another one."""

    count: int = 2
    changed: tuple[str, str] = ("", "")

    def exchange(self, value: Any) -> list[Any]:
        what, fact = self.changed
        return [value, {**value, what: fact} if what else value]


@pytest.mark.parametrize("what", ["the settings", "the train images of a", "the test images of b"])
def test_ranks_that_would_train_something_else_are_refused(what: str) -> None:
    job = assemble(load(tiny_spec(train={"batch_size": 2})), torch.device("cpu"), Two())
    refuse_unequal(job)
    other = replace(job, ranks=Two(changed=(what, "3, names with digest 0")))
    with pytest.raises(UsageError, match=rf"{what} of process 1 .*same spec and the same data"):
        refuse_unequal(other)


def test_what_one_process_does_is_not_started_by_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError, match="start it without torchrun"):
        rehearse(tiny_spec())
    with pytest.raises(UsageError, match="start it without torchrun"):
        bench(tiny_spec())


def test_a_phase_whose_networks_are_hidden_is_refused() -> None:
    network = nn.Linear(2, 2)
    phase = Phase("hiding", {"network": network})
    with pytest.raises(PluginError, match=r"'hiding'.*as attributes"):
        DataParallel(phase, list(network.parameters()), 1)


def test_only_what_torch_says_of_lost_processes_is_taken_for_one() -> None:
    lost = "[/pytorch/gloo/transport/tcp/pair.cc:561] Connection closed by peer"
    with pytest.raises(LostRankError), noticing_loss():
        raise RuntimeError(lost)
    with pytest.raises(RuntimeError, match="shapes"), noticing_loss():
        raise RuntimeError("shapes do not match")


def test_an_error_of_one_is_raised_by_all() -> None:
    with pytest.raises(DataError, match="broken"):
        ALONE.raise_any(DataError("broken.png"))
    ALONE.raise_any(None)
