"""Contract tests run over every registered component: a new one is tested because it exists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from gantrans.plugin.manager import load_registry
from gantrans.plugin.registry import Entry, Registry

REGISTRY = load_registry()

# What a component cannot do without, where the defaults do not say it.
NEEDED: dict[tuple[str, str], dict[str, Any]] = {
    ("dataset", "unpaired_folder"): {"root": "images"},
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `entry` runs for each component; of one kind, if its module has KIND."""
    if "entry" in metafunc.fixturenames:
        kind = getattr(metafunc.module, "KIND", None)
        entries = [entry for entry in REGISTRY if kind in (None, entry.ref.kind)]
        metafunc.parametrize("entry", entries, ids=lambda e: f"{e.ref.kind}-{e.ref.name}")


@pytest.fixture(scope="session")
def registry() -> Registry:
    return REGISTRY


@pytest.fixture
def config(entry: Entry, registry: Registry) -> Any:
    """The component's config from its defaults."""
    values = NEEDED.get((entry.ref.kind, entry.ref.name), {})
    model = registry.config_class(entry.ref.kind, entry.ref.name)
    try:
        return model.model_validate(values, context={"components": registry})
    except ValidationError as error:
        pytest.skip(f"it needs settings that this test does not know: {error}")


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """A folder of which `images` is a data set in the layout that most people have."""
    for number, name in enumerate(("trainA", "trainB", "testA", "testB")):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        for index in range(3):
            colour = (80 * index, 60 * number, 40)
            Image.new("RGB", (40, 36), colour).save(folder / f"{name}-{index}.png")
    return tmp_path
