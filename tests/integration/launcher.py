"""Starts `gantrans` again and again as real processes, and imports torch only once.

Each line on standard input asks, in JSON, for one of two things:
    {"arguments": [...], "cwd": ..., "out": ..., "err": ..., "tty": ..., "uid": ..., "file_size": ...}
    {"wait": pid}
The answer is a line with the new process's id, or with the exit code of the one waited for
(negative: the signal that ended it). Every process leads a group of its own, as in a shell.
"""

from __future__ import annotations

import json
import os
import sys

import torch

import gantrans.training.session  # noqa: F401  (imported once, for all)
from gantrans.cli import main

torch.set_num_threads(1)


def become(job: dict[str, object]) -> None:
    """Be the process that was asked for."""
    os.setsid()
    os.chdir(str(job["cwd"]))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "out"), (2, "err")):
        # The first terminal that the leader of a session opens controls it.
        flags = os.O_RDWR if job.get("tty") else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(str(job.get("tty") or job[name]), flags, 0o666), number)
    os.environ.update(TERM="xterm", COLUMNS="120", LINES="40")
    if job.get("uid"):
        os.setuid(int(str(job["uid"])))
    main([str(argument) for argument in job["arguments"]])  # type: ignore[attr-defined]


def answer(request: dict[str, object]) -> int:
    if "wait" in request:
        return os.waitstatus_to_exitcode(os.waitpid(int(str(request["wait"])), 0)[1])
    pid = os.fork()
    if pid == 0:
        become(request)
    return pid


while line := sys.stdin.readline():
    print(answer(json.loads(line)), flush=True)
