"""How the names of files stand in messages. Imports no torch."""

from __future__ import annotations

from pathlib import Path


def shown(path: Path | str) -> str:
    """On one line and printable everywhere: a line break in a name becomes `\\n`, and so on."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(path))
