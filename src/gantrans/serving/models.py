"""The models that are served, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gantrans.api.files import ORDINARY
from gantrans.errors import UsageError
from gantrans.inference.translator import Translator, load


@dataclass(frozen=True)
class Served:
    """A model, by the name that requests call it."""

    name: str
    translator: Translator


def load_models(
    paths: Sequence[Path],
    *,
    device: str = "auto",
    plugins: Iterable[Path] = (),
    max_memory: int | None = None,
) -> list[Served]:
    """The models of some paths, as `gantrans.load` takes them, in their order.

    Raises:
        CheckpointError: if there is no usable model at a path.
        PluginError: if a plugin that a model needs is not there.
        UsageError: if a model is no one of ordinary images, or there is no such device.
    """
    plugins = list(plugins)
    served = []
    for name, path in zip(names(paths), paths, strict=True):
        translator = load(path, device=device, plugins=plugins, max_memory=max_memory)
        for target in translator.targets:
            if translator.files(target) != (ORDINARY, ORDINARY):
                raise UsageError(
                    f"the images of {path} are no ordinary ones (PNG, JPEG, ...), and a browser "
                    "shows no others: translate its files with gantrans translate"
                )
        served.append(Served(name, translator))
    return served


def names(paths: Sequence[Path]) -> list[str]:
    """What to call the models at some paths: a name for each, without the folders around it.

    A run directory has its own name, a checkpoint `RUN/step-...`, a generator file its stem behind
    that; the second of one name gets a number.
    """
    found: list[str] = []
    for path in paths:
        first = name = _name(path.resolve())
        number = 1
        while name in found:
            number += 1
            name = f"{first} ({number})"
        found.append(name)
    return found


def _name(path: Path) -> str:
    parts = (*path.parts[:-1], path.stem if path.is_file() else path.name)
    if "checkpoints" not in parts[1:]:
        return parts[-1]
    run = len(parts) - 2 - parts[::-1].index("checkpoints")
    return "/".join(part for part in parts[run:] if part != "checkpoints")
