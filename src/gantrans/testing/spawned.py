"""What the images of sources are in a spawned process, as the data loader's workers are."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import torch

PATIENCE = 300.0
"""Seconds that the process has to import everything and read a few images."""

Digests = Sequence[Sequence[str]]


def digest(image: Any) -> str:
    """Equal for equal images: of mode and size, or shape and type, and every value."""
    if isinstance(image, torch.Tensor):
        what, values = f"{tuple(image.shape)} {image.dtype}", image.numpy().tobytes()
    else:
        what, values = f"{image.mode} {image.size}", image.tobytes()
    return hashlib.sha256(what.encode() + values).hexdigest()


def digests_of(sent: bytes, count: int) -> Digests | str | None:
    """The digests of the first `count` images of each source, computed in a spawned process.

    Args:
        sent: (what has to be unpickled first, the sources), pickled.
        count: how many images are read of each source.

    Returns:
        The digests, what was raised instead, or None if the process dies or hangs.
    """
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(there, sent, count), daemon=True)
    process.start()
    there.close()  # so that its end is seen here
    try:
        found: Digests | str | None = here.recv() if here.poll(PATIENCE) else None
    except EOFError:
        found = None
    finally:
        process.kill()
        process.join()
        here.close()
    return found


def _answer(to: Connection, sent: bytes, count: int) -> None:
    try:
        _, sources = pickle.loads(sent)
        to.send([[digest(s.image(i)) for i in range(min(count, len(s)))] for s in sources])
    except Exception as error:
        to.send(f"{type(error).__name__}: {error}")
