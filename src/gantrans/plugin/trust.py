"""Which one-file plugins this user has agreed to execute.

A run keeps copies of its one-file plugins, and a run may come from someone else. So a copy is
executed only if its SHA-256 is known here. It becomes known when the user names the file (in a
spec, or with --plugin) for a run on this machine, or agrees to execute it: with --trust, or in
answer to a question. A known plugin is an empty file, named by its SHA-256, in the folder
`trusted_folder()`, outside of every run; to remove it is to take the agreement back.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

from gantrans.errors import UsageError

Ask = Callable[[Mapping[Path, str]], bool]
"""Asks the user whether to execute files, given with their SHA-256."""

Trust = bool | Ask
"""Whether unknown plugins of a run may be executed, or who is asked."""


def check_trust(copies: Mapping[Path, str], trust: Trust) -> None:
    """Refuse to execute files that the user has not agreed to.

    Args:
        copies: a run's copies of one-file plugins, with their SHA-256.
        trust: True agrees to those that are not known yet; so does the answer of a function.

    Raises:
        UsageError: if the user did not agree.
    """
    unknown = {file: digest for file, digest in copies.items() if not _is_known(digest)}
    if not unknown:
        return
    agreed = trust if isinstance(trust, bool) else trust(unknown)
    if not agreed:
        files = ", ".join(f"{file} (SHA-256 {digest})" for file, digest in unknown.items())
        raise UsageError(
            f"the run brings code that was not executed by you on this machine before: {files}. "
            "Read it; if you trust it, say --trust (trust=True in Python)"
        )
    remember(unknown.values())


def remember(digests: Collection[str]) -> None:
    """Note that the user agrees to execute files of these SHA-256, as far as that can be noted."""
    with suppress(OSError):
        folder = trusted_folder()
        if digests:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for digest in digests:
            (folder / digest).touch()


def trusted_folder() -> Path:
    """gantrans/trusted-plugins in $XDG_STATE_HOME, or in .local/state in the home folder.

    Raises OSError if there is no home folder.
    """
    if common := os.environ.get("XDG_STATE_HOME"):
        return Path(common) / "gantrans/trusted-plugins"
    try:
        return Path.home() / ".local/state/gantrans/trusted-plugins"
    except RuntimeError as error:
        raise OSError(str(error)) from error


def _is_known(digest: str) -> bool:
    with suppress(OSError):
        return (trusted_folder() / digest).is_file()
    return False
