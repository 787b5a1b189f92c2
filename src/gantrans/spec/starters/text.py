"""The user's own words in a spec: as TOML strings, names of runs and names of domains."""

from __future__ import annotations

import json
import re
import unicodedata


def toml_string(text: str) -> str:
    """`text` as a TOML string in quotes, every special character escaped."""
    # JSON's escapes are TOML's, but for DEL, which TOML wants escaped too.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def plain_name(text: str) -> str:
    """`text` as a run's name: letters, digits, '.', '_' and '-'."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", ascii_only).lstrip("._-")[:80].rstrip("-") or "run"


def domain_names(first: str, second: str) -> tuple[str, str]:
    """Two folders' names as names of domains; "A" and "B" where that does not work."""
    names = [
        re.sub(r"[^\w .-]+", "_", name).lstrip(" .-")[:40].rstrip() for name in (first, second)
    ]
    return (names[0], names[1]) if all(names) and names[0] != names[1] else ("A", "B")


def sentence(text: str) -> str:
    """`text` with a capital first letter."""
    return text[0].upper() + text[1:]
