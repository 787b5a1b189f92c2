"""Text that others wrote, such as names in files, made fit for terminals and logs."""

from __future__ import annotations

from pathlib import Path


def printable(text: str) -> str:
    """Write out every character that steers a terminal; line breaks and tabs stay.

    Control characters, escape sequences, marks that reverse the direction of writing, and
    surrogates (bytes of a file name that are no UTF-8) become `\\x1b`, `\\u202e`, and so on.
    """
    return "".join(c if c in "\n\t" or c.isprintable() else _escaped(c) for c in text)


def shown(path: Path | str) -> str:
    """Return a name on one line: as `printable`, and a line break becomes `\\n`."""
    return "".join(c if c.isprintable() else _escaped(c) for c in str(path))


def _escaped(character: str) -> str:
    return repr(character)[1:-1]
