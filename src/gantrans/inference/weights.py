"""One network in one self-describing `.safetensors` file; the format is described in header.py."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gantrans.api.generator import Generator
from gantrans.errors import CheckpointError, PluginError
from gantrans.inference.header import FORMAT_VERSION as FORMAT_VERSION
from gantrans.inference.header import METADATA_KEY, unreadable
from gantrans.inference.header import WeightsHeader as WeightsHeader
from gantrans.inference.header import read_header as read_header
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
    if header.kind != "generator":
        raise CheckpointError(f"{path} holds a {header.kind}; a generator is needed to translate")
    if header.value_range != (-1.0, 1.0):
        raise CheckpointError(
            f"{path}: its images have values in {header.value_range}, this gantrans knows (-1, 1)"
        )
    generator = _build(path, registry, header)
    tensors = load_tensors(path, "cpu")
    misfit = _misfit(generator.state_dict(), tensors)
    if misfit:
        component = header.component["type"]
        raise CheckpointError(
            f"{path} does not fit the generator {component!r}: {misfit} (the file was written with "
            f"{_plugin(header)}, installed is {registry.entry('generator', component).origin})"
        )
    generator.load_state_dict(tensors)
    return generator.to(device).eval(), header


def _build(path: Path, registry: Registry, header: WeightsHeader) -> Generator:
    component = header.component["type"]
    if component not in registry.names("generator"):
        raise PluginError(_how_to_get(path, registry, header))
    try:
        config = registry.config("generator", component, header.component)
        with torch.random.fork_rng(devices=[]):  # first weights, to be replaced, cost no draws
            built: Generator = config.build(
                in_channels=header.in_channels, out_channels=header.out_channels
            )
    except PluginError as error:
        raise PluginError(f"{path} was written with {_plugin(header)}: {error}") from None
    except Exception as error:  # anyone's component, with whatever numbers the file has
        raise CheckpointError(
            f"{path}: the generator {component!r} cannot be built as its header says: "
            f"{type(error).__name__}: {error}"
        ) from error
    return built


def _how_to_get(path: Path, registry: Registry, header: WeightsHeader) -> str:
    wanted = f"{path} needs the generator {header.component['type']!r} of {_plugin(header)}"
    name = header.plugin.get("name", "")
    for broken in registry.broken:
        if broken.origin.name == name:
            return f"{wanted}, which is broken: {broken.reason}"
    if "sha256" not in header.plugin:
        version = header.plugin.get("version", "")
        return f"{wanted}, which is not installed: pip install {name}=={version}"
    # A run keeps a copy of its one-file plugins; it is named here, not executed.
    kept = path.absolute().parent.parent.parent / "plugins" / Path(name).name
    if not kept.is_file():
        return f"{wanted}: give that file with --plugin {name}"
    return f"{wanted}: read the run's copy of it, then give it with --plugin {kept}"


def _plugin(header: WeightsHeader) -> str:
    name = header.plugin.get("name", "an unnamed plugin")
    digest = header.plugin.get("sha256")
    if digest is not None:
        return f"the one-file plugin {name} (SHA-256 {digest[:12]})"
    return f"{name} {header.plugin.get('version', '')}".strip()


def _misfit(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str:
    """The first tensor that is missing, misshapen or unexpected, or nothing."""
    for name, tensor in expected.items():
        if name not in found:
            return f"the tensor {name!r} is missing"
        if found[name].shape != tensor.shape:
            return (
                f"the tensor {name!r} has the shape {tuple(found[name].shape)}, "
                f"expected {tuple(tensor.shape)}"
            )
    unexpected = next((name for name in found if name not in expected), None)
    return f"the tensor {unexpected!r} is unexpected" if unexpected else ""
