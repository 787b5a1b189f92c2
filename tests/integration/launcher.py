"""Starts `gantrans` again and again as real processes, and imports torch only once.

The argument is a spec to warm up with. Each line on standard input asks, in JSON, for one of two:
    {"arguments": [...], "cwd": ..., "out": ..., "err": ..., "tty": ..., "uid": ...,
     "env": {...}}
    {"wait": pid}
The answer is a line with the new process's id, or with the exit code of the one waited for
(negative: the signal that ended it). Every process leads a group of its own, as in a shell.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import traceback
from typing import Any, NoReturn

from gantrans.cli import main
from gantrans.training.session import rehearse


def warm_up() -> None:
    """Import what the first step of a process imports, which takes seconds.

    The environment allows torch one thread, so that there is no other that a fork would lose.
    """
    rehearse(sys.argv[1], device="cpu")


def become(job: dict[str, Any]) -> NoReturn:
    """Be the process that was asked for."""
    os.setsid()
    os.chdir(job["cwd"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, name in ((1, "out"), (2, "err")):
        # The first terminal that the leader of a session opens controls it.
        flags = os.O_RDWR if job["tty"] else os.O_WRONLY | os.O_APPEND
        os.dup2(os.open(job["tty"] or job[name], flags), number)
    os.environ.update(TERM="xterm", COLUMNS="120", LINES="40", **job["env"])
    if job["uid"] is not None:
        os.setuid(job["uid"])
    try:
        main(job["arguments"])
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)  # without taking apart, object by object, what the fork shares: a second


def answer(request: dict[str, Any]) -> int:
    """The process id, or the exit code."""
    if "wait" in request:
        return os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
    pid = os.fork()
    if pid == 0:
        become(request)
    return pid


warm_up()
while line := sys.stdin.readline():
    print(answer(json.loads(line)), flush=True)
