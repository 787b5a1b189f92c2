"""The ranks of a run, as `torchrun` starts them, and what they tell each other.

What the ranks agree on (whether to go on, scores, paths) are small messages between hosts, over
gloo: they never wait for a GPU. Images and gradients go the device's own way: nccl between GPUs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from gantrans.errors import DataError, GantransError, UsageError

if TYPE_CHECKING:
    from torch._C._distributed_c10d import Store

WHERE = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun tells a process of the others."""

SOON = timedelta(minutes=10)
"""How long ranks wait for one in a step. One whose process ended is noticed at once; this is for
one whose machine went dark, or lost its network in the midst of a step."""

PATIENCE = timedelta(hours=4)
"""How long they wait for one that fills a cache, measures or saves."""

MOMENT = timedelta(seconds=10)
"""How long a rank that fails waits for the first one to say the same."""


class LostRankError(GantransError):
    """Another rank has ended."""


class CommonDataError(DataError):
    """One that all ranks raise, whosever it was."""


class ToldElsewhereError(GantransError):
    """Another rank has said what went wrong: this one ends without a word."""

    def __init__(self, exit_code: int) -> None:
        super().__init__("")
        self.exit_code = exit_code


@dataclass(frozen=True)
class Ranks:
    """The ranks of a run. What is called here, all of them have to call.

    Args:
        rank: the number of this one, from 0.
        count: how many there are.
        here: this one's number among those of its machine, and how many those are.
        patient: the group in which they wait for long.
    """

    rank: int = 0
    count: int = 1
    here: tuple[int, int] = (0, 1)
    patient: dist.ProcessGroup | None = None

    @property
    def first(self) -> bool:
        """Whether this is the one that writes and shows."""
        return self.rank == 0

    @property
    def command(self) -> str:
        """How a run of so many ranks is started."""
        return "gantrans run" if self.count == 1 else "torchrun ... -m gantrans run"

    def wait(self) -> None:
        """Until all are here, also where one fills a cache, measures or saves for long."""
        if self.count > 1:
            dist.barrier(group=self.patient)

    def largest(self, number: int) -> int:
        """The largest of all ranks' numbers."""
        if self.count == 1:
            return number
        found = torch.tensor(number)
        dist.all_reduce(found, op=dist.ReduceOp.MAX)
        return int(found)

    def exchange(self, value: Any) -> list[Any]:
        """What each rank gives, in their order: anything that JSON can hold."""
        if self.count == 1:
            return [value]
        text = torch.frombuffer(bytearray(json.dumps(value).encode()), dtype=torch.uint8)
        sizes = [torch.tensor(0) for _ in range(self.count)]
        dist.all_gather(sizes, torch.tensor(len(text)))
        texts = [torch.empty(int(max(sizes)), dtype=torch.uint8) for _ in sizes]
        mine = torch.zeros_like(texts[0])
        mine[: len(text)] = text
        dist.all_gather(texts, mine)
        pairs = zip(texts, sizes, strict=True)
        return [json.loads(bytes(text[:size].tolist())) for text, size in pairs]

    def from_first(self, value: Any) -> Any:
        """What the first rank gives; what the others give does not matter."""
        return self.exchange(value if self.first else None)[0]

    def raise_any(self, error: DataError | None) -> None:
        """Raise on all ranks the error that one of them has: that of the lowest."""
        for said in self.exchange(str(error) if error else None):
            if said is not None:
                raise CommonDataError(said) from error

    def to_first(self, tensors: Sequence[Tensor]) -> list[list[Tensor]]:
        """Float32 tensors of each rank, in their order; nothing on ranks but the first.

        A rank may give as many as it likes, of any shape. Those of others arrive on the CPU.
        """
        shapes = self.exchange([list(tensor.shape) for tensor in tensors])
        if not self.first:
            for tensor in tensors:
                dist.send(tensor.cpu().contiguous(), dst=0)
            return []
        found = [list(tensors)]
        for source in range(1, self.count):
            found.append([torch.empty(shape) for shape in shapes[source]])
            for tensor in found[-1]:
                dist.recv(tensor, src=source)
        return found

    def like_first(self, network: nn.Module) -> None:
        """Give a network's buffers, such as the running statistics of batch norm, the first's."""
        if self.count > 1:
            for buffer in network.buffers():
                dist.broadcast(buffer, src=0)


ALONE = Ranks()


@contextmanager
def all_ranks() -> Iterator[Ranks]:
    """Meet the ranks that torchrun started, as long as it is entered; without it, be alone.

    An error of all ranks is told by the first; one of another rank alone, by that with its number
    in front. What ends a rank ends all of them.

    Raises:
        UsageError: if only part of what torchrun says is there.
        GantransError: if the ranks cannot meet.
        ToldElsewhereError: instead of an error that another rank tells.
        LostRankError: if another rank was ended without a word.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ALONE
        return
    if missing := [name for name in WHERE if name not in os.environ]:
        raise UsageError(
            f"WORLD_SIZE says that there are {os.environ['WORLD_SIZE']} processes, but "
            f"{', '.join(missing)} are not set: start with torchrun, or unset WORLD_SIZE"
        )
    from torch.distributed.rendezvous import rendezvous

    cuda = torch.cuda.is_available()
    backend = "cpu:gloo,cuda:nccl" if cuda else "gloo"
    try:
        store, rank, count = next(iter(rendezvous("env://")))
        dist.init_process_group(backend, store=store, rank=rank, world_size=count, timeout=SOON)
        patient = dist.new_group(backend="gloo", timeout=PATIENCE)
        assert isinstance(patient, dist.ProcessGroup)  # every rank belongs to it
    except (RuntimeError, ValueError) as error:
        if dist.is_initialized():
            dist.destroy_process_group()
        raise GantransError(f"the processes of this run cannot meet: {error}") from error
    here = int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
    ranks = Ranks(rank, count, here, patient)
    try:
        with noticing_loss():
            yield ranks
            ranks.largest(0)  # nobody leaves while another still works
    except BaseException as error:
        if not isinstance(error, LostRankError):
            _tell(store, rank)  # before the others find that this one has gone
        if not cuda:  # with GPUs it may wait for a rank that is gone; the process ends anyway
            dist.destroy_process_group()
        if not isinstance(error, GantransError):
            raise
        told = _told(error, store, ranks)
        if told is error:
            raise
        raise told from error
    dist.destroy_process_group()


def refuse_several(what: str) -> None:
    """Raise UsageError where torchrun started several processes; `what` says what one does."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UsageError(f"{what} in one process: start it without torchrun")


@contextmanager
def noticing_loss() -> Iterator[None]:
    """Raise LostRankError where torch finds that another rank cannot be reached."""
    try:
        yield
    except RuntimeError as error:
        if not (isinstance(error, dist.DistError) or "gloo/transport" in str(error)):
            raise
        raise LostRankError("another process of this run has ended") from error


def _told(error: GantransError, store: Store, ranks: Ranks) -> GantransError:
    """What this rank says of its error."""
    if isinstance(error, LostRankError):
        known = [f"failed/{rank}" for rank in range(ranks.count)]
        with suppress(RuntimeError):  # the store may have gone too
            someone = any(store.check([key]) for key in known)
            if someone or store.compare_set("lost", "", str(ranks.rank)) != _bytes(ranks.rank):
                return ToldElsewhereError(error.exit_code)
        return error
    if ranks.first:
        return error
    try:
        store.wait(["failed/0"], MOMENT)
        return ToldElsewhereError(error.exit_code)
    except dist.DistNetworkError:  # the first rank kept the store, and has told and gone
        return ToldElsewhereError(error.exit_code)
    except RuntimeError:
        pass
    told = GantransError(f"rank {ranks.rank}: {error}")
    told.exit_code = error.exit_code
    return told


def _tell(store: Store, rank: int) -> None:
    with suppress(RuntimeError):
        store.set(f"failed/{rank}", "")


def _bytes(number: int) -> bytes:
    return str(number).encode()
