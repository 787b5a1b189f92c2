"""The version of the plugin interface, and which plugins fit it. Imports no torch.

It grows by one when a plugin that was right before may be wrong now, and for nothing else (see
docs/explanation/stability.md). A hook module, or a one-file plugin, says in its first lines which
one it was written for: `api_version = 1`. One that says nothing is taken for version 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gantrans.errors import PluginError

API_VERSION = 1
"""The plugin interface of this gantrans."""

OLDEST_API_VERSION = 1
"""The oldest one that it still takes."""

DROPPED: Mapping[int, str] = {}
"""For each older version, the first gantrans without it."""


def check_api_version(written_for: Any) -> None:
    """Raises PluginError, saying what to do, if a plugin written for that version does not fit."""
    if type(written_for) is not int or written_for < 1:
        raise PluginError(
            f"api_version = {written_for!r}: give the version of the plugin interface that it was "
            f"written for, a whole number; this gantrans has {API_VERSION}"
        )
    if written_for > API_VERSION:
        raise PluginError(
            f"written for version {written_for} of the plugin interface, "
            f"this gantrans has {API_VERSION}: install a newer gantrans"
        )
    if written_for < OLDEST_API_VERSION:
        older = f", or gantrans < {DROPPED[written_for]}" if written_for in DROPPED else ""
        raise PluginError(
            f"written for version {written_for} of the plugin interface, the oldest that this "
            f"gantrans takes is {OLDEST_API_VERSION}: install a newer version of the plugin{older}"
        )
