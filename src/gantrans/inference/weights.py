"""One network in one self-describing `.safetensors` file; the format is described in header.py."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gantrans.api.dataset import Dataset
from gantrans.api.files import ORDINARY, ImageFiles
from gantrans.api.generator import Generator
from gantrans.api.step import DOMAINS
from gantrans.errors import CheckpointError, FileError, PluginError
from gantrans.inference.header import FORMAT_VERSION as FORMAT_VERSION
from gantrans.inference.header import METADATA_KEY, does_not_translate, unreadable
from gantrans.inference.header import RecordedComponent as RecordedComponent
from gantrans.inference.header import WeightsHeader as WeightsHeader
from gantrans.inference.header import read_header as read_header
from gantrans.inference.model_files import sha256_of
from gantrans.inference.shapes import misfit
from gantrans.io.received import open_regular
from gantrans.plugin.registry import Registry


def save_weights(path: Path, tensors: Mapping[str, Tensor], header: WeightsHeader) -> None:
    """Write a weights file and wait until it is on the disk.

    Args:
        path: the file; the caller chooses one in a temporary folder, and renames that.
        tensors: the network's `state_dict()`, on any device.
        header: what the file says about the network.

    Raises:
        CheckpointError: if the file cannot be written, as on a full disk.
    """
    save_tensors(path, tensors, {METADATA_KEY: header.to_json()})


def save_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None
) -> None:
    """Write named tensors and wait until they are on the disk. Raises as `save_weights` does."""
    # Copies: safetensors takes no tensors that share memory, are transposed, or live on a GPU.
    copies = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    try:
        path.touch()
        mode = path.stat().st_mode
        save_file(copies, path, metadata=metadata)
        path.chmod(mode)  # save_file leaves a file that only its owner may read
        with path.open("rb+") as file:
            os.fsync(file.fileno())
    except (OSError, SafetensorError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise CheckpointError(
            f"cannot write the weights file {path}: {reason}; make room on the disk, or make the "
            "folder writable"
        ) from error


def load_tensors(path: Path, device: torch.device | str) -> dict[str, Tensor]:
    """The tensors of a weights file by name. Raises CheckpointError if it cannot be read."""
    open_regular(path).close()  # safetensors would wait for a pipe
    try:
        return load_file(path, device=str(device))
    except (OSError, SafetensorError) as error:
        raise unreadable(path, error) from None


def load_generator(
    path: Path, registry: Registry, device: torch.device | str
) -> tuple[Generator, WeightsHeader]:
    """The generator of a weights file, ready to translate, and the file's header.

    Nothing is executed because the file says so: its component must be in `registry` already.

    Raises:
        CheckpointError: if the file is damaged, holds no generator, or its tensors do not fit.
        PluginError: if the plugin that brought the component is not installed.
    """
    header = read_header(path)
    if header.kind == "method":
        raise CheckpointError(does_not_translate(path, header))
    if header.kind != "generator":
        raise CheckpointError(f"{path} holds a {header.kind}; a generator is needed to translate")
    if header.value_range != (-1.0, 1.0):
        raise CheckpointError(
            f"{path}: its images have values in {header.value_range}, this gantrans knows (-1, 1)"
        )
    config, component = _config(path, registry, header), header.component["type"]

    def build() -> Generator:
        with torch.random.fork_rng(devices=[]):  # first weights, to be replaced, cost no draws
            built: Generator = config.build(
                in_channels=header.in_channels, out_channels=header.out_channels
            )
        return built

    if difference := misfit(path, build):
        raise CheckpointError(
            f"{path} does not fit the generator {component!r}: {difference} (the file was written "
            f"with {header.plugin_in_words}, installed is "
            f"{registry.entry('generator', component).origin})"
        )
    generator = build()
    generator.load_state_dict(load_tensors(path, "cpu"))
    return generator.to(device).eval(), header


def load_files(
    path: Path, registry: Registry, header: WeightsHeader
) -> tuple[ImageFiles, ImageFiles]:
    """How the files are read that a generator translates, and how those that it makes are written.

    Args:
        path: the weights file, for messages.
        registry: where its data set is looked up.
        header: what the file says.

    Raises:
        PluginError: if the plugin that brought the data set is not installed.
    """
    if header.dataset is None:
        return ORDINARY, ORDINARY
    config = _config(path, registry, header.dataset)
    try:
        dataset: Dataset = config.build(base_dir=Path())
        files: dict[str | None, ImageFiles] = {d: dataset.files(d) or ORDINARY for d in DOMAINS}
    except Exception as error:  # anyone's component
        raise CheckpointError(
            f"{path}: the data set {header.dataset.component['type']!r} cannot say how its files "
            f"are read and written: {type(error).__name__}: {error}"
        ) from error
    return files[header.source], files[header.target]


def _config(path: Path, registry: Registry, recorded: RecordedComponent) -> Any:
    name = recorded.component["type"]
    if name not in registry.names(recorded.kind):
        raise PluginError(_how_to_get(path, registry, recorded))
    try:
        return registry.config(recorded.kind, name, recorded.component)
    except PluginError as error:
        said = f"{path} was written with {recorded.plugin_in_words}: {error}"
        raise PluginError(said + _copies(path, registry)) from None


def _copies(path: Path, registry: Registry) -> str:
    """A run keeps a copy of its one-file plugins; they are named here, not executed."""
    run = path.absolute().parent.parent.parent
    known = {origin.sha256 for origin in registry.file_plugins()}
    kept = []
    for file in sorted((run / "plugins").glob("*.py")):
        with suppress(FileError):  # then it is no copy that gantrans made
            kept += [file] if sha256_of(file, within=run) not in known else []
    if not kept:
        return ""
    options = " ".join(f"--plugin {quote(str(file))}" for file in kept)
    return f": read the run's copy of its plugins, then give them with {options}"


def _how_to_get(path: Path, registry: Registry, recorded: RecordedComponent) -> str:
    component = f"the {recorded.kind} {recorded.component['type']!r}"
    wanted = f"{path} needs {component} of {recorded.plugin_in_words}"
    name = recorded.plugin.get("name", "")
    for broken in registry.broken:
        if broken.origin.name == name:
            return f"{wanted}, which is broken: {broken.reason}"
    if "sha256" not in recorded.plugin:
        if requirement := recorded.requirement:
            return f"{wanted}, which is not installed: pip install {requirement}"
        return f"{wanted}, which no package can be called: ask who made the file for its plugin"
    return wanted + (_copies(path, registry) or f": give that file with --plugin {quote(name)}")
