"""Folders of drawn images for `gantrans init`, and what the specs that it writes find in them."""

from __future__ import annotations

from pathlib import Path

import typer
from PIL import Image
from typer.testing import CliRunner

from gantrans.cli.init import init
from gantrans.spec.load import LoadedSpec
from gantrans.training.contradictions import check

app = typer.Typer()
app.command()(init)


def draw(folder: Path, count: int, size: tuple[int, int] = (32, 32), mode: str = "RGB") -> None:
    """Write black images called 0.png, 1.png, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.new(mode, size).save(folder / f"{number}.png")


def run(*arguments: str | Path) -> str:
    """What `gantrans init` prints; expected failures are raised."""
    result = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    if result.exception:
        raise result.exception
    return result.output


def counts(loaded: LoadedSpec) -> list[int]:
    """Images of train a, train b, test a, test b as the spec's own data set finds them."""
    check(loaded)
    dataset = loaded.run.data.build(base_dir=loaded.source.base_dir)
    return [len(dataset.source(split, domain)) for split in ("train", "test") for domain in "ab"]
