"""SpecPath: a file or folder that a spec names. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ValidationInfo


def _below_the_spec(path: Path, info: ValidationInfo) -> Path:
    base_dir: Path | None = (info.context or {}).get("base_dir")
    path = path.expanduser()
    return path if base_dir is None else base_dir / path


SpecPath = Annotated[Path, AfterValidator(_below_the_spec)]
"""The type of a config's field that names a file: relative to the spec's folder, as every path in a
spec is. Validated without a spec, a relative path is one of the working directory."""
