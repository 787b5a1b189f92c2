from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gantrans.errors import SpecError
from gantrans.spec.load import load

MINIMAL = """\
[data]
type = "seasons"

[losses.adversarial]

[losses.cycle]
weight = 10.0
"""


@pytest.fixture
def minimal() -> str:
    """The shortest spec that trains something."""
    return MINIMAL


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Writes text as spec.toml into an empty working directory; gives its relative path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANTRANS_PLUGINS", "none")

    def put(text: str) -> Path:
        Path("spec.toml").write_text(text)
        return Path("spec.toml")

    return put


@pytest.fixture
def mistakes(write: Callable[[str], Path]) -> Callable[..., list[str]]:
    """The problems that loading a spec text reports."""

    def of(text: str, *settings: str, plugins: tuple[str, ...] = ()) -> list[str]:
        with pytest.raises(SpecError) as caught:
            load(write(text), settings=settings, plugins=[Path(p) for p in plugins])
        return list(caught.value.problems)

    return of
