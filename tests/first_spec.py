"""Facts as `gantrans init` could find them, and the specs that are written from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gantrans.spec.image_facts import DomainFacts, Facts
from gantrans.spec.load import load
from gantrans.spec.model import RunSpec
from gantrans.spec.starter import starter_spec
from gantrans.training.contradictions import check

Size = tuple[int, int]


def facts(
    a: Sequence[Size],
    b: Sequence[Size] = (),
    *,
    train: int = 1000,
    gray: str = "",
    **more: Any,
) -> Facts:
    """Of `train` images of summer, and half as many of winter unless they are `paired`."""
    of_winter = train if more.get("paired") else train // 2 or 1
    domains = (
        DomainFacts("summer", train, 0, a, "a" in gray),
        DomainFacts("winter", of_winter, 0, b or a, "b" in gray),
    )
    return Facts("seasons", domains, "made up", [("root", "x")], **more)


def spec_of(found: Facts, folder: Path, method: str = "cyclegan") -> RunSpec:
    """The written spec, after the checks that a run begins with."""
    path = folder / "spec.toml"
    path.write_text(starter_spec(found, method), encoding="utf-8")
    loaded = load(path)
    check(loaded)
    return loaded.run
