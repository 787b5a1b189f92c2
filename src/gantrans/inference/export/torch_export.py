"""The format "torch-export": torch's archive of a program, for `torch.export.load`.

As written here it holds raw tensors and JSON, and no pickle. `torch.export.load` would read pickles
all the same, so a file of unknown origin can run code there; gantrans loads only what it wrote
itself a moment before.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

from gantrans.api.generator import Generator
from gantrans.inference.export.parity import Run
from gantrans.inference.export.quiet import quiet
from gantrans.inference.export.tracing import ADVICE, refused

SUFFIX = ".pt2"


def serialised(
    program: ExportedProgram, generator: Generator, metadata: Mapping[str, str]
) -> bytes:
    """The content of the file, with the metadata as its extra files. Raises GantransError."""
    archive = BytesIO()
    with refused(generator, ADVICE):
        torch.export.save(program, archive, extra_files=dict(metadata))
    return archive.getvalue()


def opened(file: Path) -> Run:
    """The file, to be run by torch on the CPU."""
    with quiet(), file.open("rb") as archive:
        module = torch.export.load(archive).module()

    def run(images: Tensor) -> Tensor:
        with torch.inference_mode():
            translations: Tensor = module(images)
            return translations

    return run
