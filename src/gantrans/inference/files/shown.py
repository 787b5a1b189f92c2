"""How the names of files stand in messages. Imports no torch."""

from __future__ import annotations

from gantrans.io.text import shown as shown
