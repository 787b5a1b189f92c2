"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A path beside `target` to write to, renamed to it at the end; gone if that is not reached.

    Folders are made if need be. Raises OSError.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # By a name of its own: that of the target may be as long as a name can be.
    own = f"{os.getpid()}-{sha256(os.fsencode(target.name)).hexdigest()[:12]}"
    beside = target.with_name(f".translated-{own}.partial{target.suffix}")
    try:
        yield beside
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
