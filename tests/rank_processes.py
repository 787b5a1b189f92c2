"""A run of several processes, started as torchrun starts them."""

from __future__ import annotations

from pathlib import Path

from torch.distributed import TCPStore

from processes import Ended, Launcher, Process

meeting_places: list[TCPStore] = []
"""Where the processes of each run find each other; as torchrun's they outlive all of them."""


def start_ranks(launcher: Launcher, ranks: int, *arguments: object, cwd: Path) -> list[Process]:
    """`gantrans ARGUMENTS...` as so many ranks of one machine."""
    meeting_places.append(TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False))
    told = {
        "WORLD_SIZE": ranks,
        "LOCAL_WORLD_SIZE": ranks,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": meeting_places[-1].port,
        "TORCHELASTIC_USE_AGENT_STORE": True,
    }
    started = []
    for rank in range(ranks):
        env = {key: str(value) for key, value in {**told, "RANK": rank, "LOCAL_RANK": rank}.items()}
        started.append(launcher.start(*arguments, cwd=cwd, env=env))
    return started


def run_ranks(launcher: Launcher, ranks: int, *arguments: object, cwd: Path) -> list[Ended]:
    """Run them to the end."""
    return [rank.wait() for rank in start_ranks(launcher, ranks, *arguments, cwd=cwd)]


def one_message(ended: list[Ended], code: int, words: str) -> None:
    """All ended with `code`, and one of them said why."""
    assert [rank.code for rank in ended] == [code] * len(ended), ended
    said = "".join(rank.err for rank in ended)
    assert len(said.splitlines()) == 1 and words in said, ended
