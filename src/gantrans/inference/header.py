"""The header of a weights file: all that is needed to build and use its network. Imports no torch.

A weights file is a `.safetensors` file. Its metadata has one key, `gantrans`, whose value is the
JSON object of a `WeightsHeader` and the number `format_version`. One key, because safetensors does
not keep the order of several, and equal networks shall give equal files, byte for byte.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json
from safetensors import SafetensorError, safe_open

from gantrans.api.component import Kind
from gantrans.errors import CheckpointError
from gantrans.io.received import open_regular

FORMAT_VERSION = 1
METADATA_KEY = "gantrans"
LONGEST_NAME = 255
"""Characters of a domain, run, network or plugin; a plugin may be called as its file."""

_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")  # PEP 508
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")


@dataclass(frozen=True)
class RecordedComponent:
    """A component, as a file names it.

    Args:
        kind: such as "generator".
        component: its table, `config.model_dump(mode="json")`, with its `type`.
        plugin: who brought it: `name` and `version` of a distribution, or `name` and `sha256` of a
            one-file plugin.
    """

    kind: Kind
    component: dict[str, Any]
    plugin: dict[str, str]

    @property
    def requirement(self) -> str | None:
        """The plugin's distribution as pip takes it, "gantrans-swin==2.1"; None if it is none."""
        name, version = self.plugin.get("name", ""), self.plugin.get("version", "")
        if "sha256" in self.plugin or not _DISTRIBUTION.fullmatch(name):
            return None
        return f"{name}=={version}" if _VERSION.fullmatch(version) else name

    @property
    def plugin_in_words(self) -> str:
        """Such as "gantrans-swin 2.1"."""
        name = self.plugin.get("name", "an unnamed plugin")
        digest = self.plugin.get("sha256")
        if digest is not None:
            return f"the one-file plugin {name} (SHA-256 {digest[:12]})"
        return f"{name} {self.plugin.get('version', '')}".strip()


@dataclass(frozen=True)
class WeightsHeader(RecordedComponent):
    """What a weights file says about its network: a generator, a discriminator, or one that a
    method made itself, whose `component` is then the method.

    Args:
        role: the network's name in its method, such as "generator_ab".
        domains: what the user calls the domains "a" and "b".
        source: "a" or "b", the domain that a generator reads, or whose images a conditional
            discriminator sees beside those it judges; None for others.
        target: the domain that a generator writes, or that a discriminator judges; of a method's
            network the only domain that it knows, or None.
        in_channels: channels of the images that the network reads; 0 if it reads none.
        out_channels: channels of the images that it writes; None if it writes none.
        value_range: of the images' values.
        preprocessing: the transform table of training.
        step: finished training steps.
        run: the run's name.
        dataset: what it was trained on, if that reads and writes files in its own way; None, and
            left out of the file, if the images are ordinary ones.
    """

    role: str
    domains: dict[str, str]
    source: str | None
    target: str | None
    in_channels: int
    out_channels: int | None
    value_range: tuple[float, float]
    preprocessing: dict[str, Any]
    step: int
    run: str
    dataset: RecordedComponent | None = None

    def to_json(self) -> str:
        """The header as JSON, with the format's version."""
        table = asdict(self)
        if self.dataset is None:
            del table["dataset"]
        return json.dumps({"format_version": FORMAT_VERSION, **table})

    @classmethod
    def from_json(cls, text: str) -> WeightsHeader:
        """What `to_json` gave. Raises ValueError, saying what is wrong, for anything else."""
        table = from_json(text)
        version = table.pop("format_version", None) if isinstance(table, dict) else None
        if not isinstance(version, int):
            raise ValueError("its header has no format version")
        if version > FORMAT_VERSION:
            raise ValueError(
                f"it has format version {version}, and this gantrans reads up to "
                f"{FORMAT_VERSION}: install a newer gantrans"
            )
        try:
            header = _HEADER.validate_python(table)
        except ValidationError as error:
            wrong = error.errors()[0]
            place = ".".join(map(str, wrong["loc"]))
            raise ValueError(f"its header is wrong at {place!r}: {wrong['msg']}") from None
        header._check()
        return header

    def name_of(self, domain: str | None) -> str:
        """What the user calls a domain."""
        return self.domains[domain or ""]

    def _check(self) -> None:
        names = [self.role, self.run, *self.domains, *self.domains.values()]
        for recorded in (self, self.dataset):
            names += recorded.plugin.values() if recorded else ()
        for name in names:
            if not name.isprintable() or len(name) > LONGEST_NAME:
                raise ValueError(f"its header has a name that nothing is called by: {name[:40]!r}")
        for recorded in (self, self.dataset):
            if recorded and not isinstance(recorded.component.get("type"), str):
                raise ValueError("its header names no component")
        if self.dataset and self.dataset.kind != "dataset":
            raise ValueError(f"its header names a {self.dataset.kind} as the data set")
        used = [self.source, self.target]
        if self.kind != "generator":
            used = [domain for domain in used if domain is not None]
        if any(domain not in self.domains for domain in used):
            raise ValueError(
                "its header does not name the domains that its network reads or writes"
            )
        if self.kind == "generator" and self.out_channels is None:
            raise ValueError("its header lacks the channels that its generator writes")


_HEADER = TypeAdapter(WeightsHeader)


def read_header(path: Path, within: Path | None = None) -> WeightsHeader:
    """The header of a weights file.

    Args:
        path: the file.
        within: the folder that it has to be in, see `open_regular`.

    Raises:
        CheckpointError: if the file is missing, no regular file, damaged, not a weights file of
            gantrans, or of a newer format.
    """
    open_regular(path, within).close()  # safetensors would wait for a pipe
    try:
        with safe_open(path, framework="np") as file:  # "np": a header needs no torch
            text = (file.metadata() or {}).get(METADATA_KEY)
    except (OSError, SafetensorError) as error:
        raise unreadable(path, error) from None
    if text is None:
        raise CheckpointError(
            f"{path} was not written by gantrans: it is a safetensors file without a description "
            "of its network"
        )
    try:
        return WeightsHeader.from_json(text)
    except ValueError as error:
        raise CheckpointError(f"cannot use the weights file {path}: {error}") from None


def does_not_translate(path: Path, header: WeightsHeader) -> str:
    """That a network which a method made for itself is no translator, in words."""
    return (
        f"{path} holds the {header.role} of the method {header.component['type']!r}, which does "
        "not translate images"
    )


def unreadable(path: Path, error: Exception) -> CheckpointError:
    """Why a safetensors file cannot be read, in words."""
    if isinstance(error, SafetensorError):
        return CheckpointError(
            f"{path} is damaged, or no safetensors file ({error}): use another checkpoint, or copy "
            "the file again"
        )
    reason = error.strerror if isinstance(error, OSError) else None
    return CheckpointError(f"cannot read the weights file {path}: {reason or error}")
