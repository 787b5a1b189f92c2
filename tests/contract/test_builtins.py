"""The built-in components pass the kit that plugins are held to; a new one is tested by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from PIL import Image

from gantrans.api.component import KINDS
from gantrans.plugin.registry import Registry

# What is large by default is checked small: the code is the same.
SMALL: dict[str, dict[str, Any]] = {
    "generator/resnet": {"width": 8, "blocks": 2},
    "generator/unet": {"width": 8, "depth": 6},
    "discriminator/multiscale": {"each": {"type": "patchgan", "width": 8}},
    "discriminator/patchgan": {"width": 8},
    "discriminator/pixel": {"width": 8},
    "dataset/seasons": {"size": 32, "train": 4, "test": 4},
}


@pytest.fixture(scope="module")
def component_settings(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """Folders of images, in the layout that most people have and as pairs; two pictures."""
    root = tmp_path_factory.mktemp("images")
    for number, name in enumerate(("trainA", "trainB", "testA", "testB")):
        (root / name).mkdir()
        for index in range(3):
            colour = (80 * index, 60 * number, 40)
            Image.new("RGB", (40, 36), colour).save(root / name / f"{name}-{index}.png")
    pairs = tmp_path_factory.mktemp("pairs")
    for split in ("train", "val"):
        (pairs / split).mkdir()
        for index in range(3):
            colour = (80 * index, 20, 40)
            Image.new("RGB", (40, 18), colour).save(pairs / split / f"{index}.png")
    return {
        "dataset/unpaired_folder": {"root": str(root)},
        "dataset/paired_folder": {"root": str(pairs), "side_by_side": True},
        "dataset/single_image": {
            "a": str(root / "trainA" / "trainA-0.png"),
            "b": str(root / "trainB" / "trainB-0.png"),
        },
    }


@pytest.mark.gantrans("gantrans", settings=SMALL)
def test_a_built_in_component_holds_what_its_kind_promises(
    component_check: Callable[[], None],
) -> None:
    component_check()


def test_every_kind_has_a_built_in_component(builtins: Registry) -> None:
    assert {entry.ref.kind for entry in builtins} == set(KINDS)
    assert builtins.broken == []
