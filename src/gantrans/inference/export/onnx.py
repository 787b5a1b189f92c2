"""The format "onnx": one file with graph, weights and metadata."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor
from torch.export import ExportedProgram

from gantrans.api.generator import Generator
from gantrans.errors import GantransError, UsageError
from gantrans.inference.export.metadata import INPUT, OUTPUT
from gantrans.inference.export.parity import Run
from gantrans.inference.export.tracing import DYNAMIC, refused

SUFFIX = ".onnx"

MOST_BYTES = 2**31 - 2**24
"""Largest size of all weights: a file holds 2 GiB, and the graph needs some of it."""


def check(generator: Generator) -> None:
    """Refuse what would fail at the end of all the work.

    Raises:
        UsageError: if a package is not installed.
        GantransError: if the weights are too large for the format.
    """
    missing = [name for name in ("onnx", "onnxscript", "onnxruntime") if not find_spec(name)]
    if missing:
        raise UsageError(
            f"--format onnx needs {', '.join(missing)}, not installed here: "
            'pip install "gantrans[onnx]"'
        )
    size = sum(t.numel() * t.element_size() for t in generator.state_dict().values())
    if size > MOST_BYTES:
        raise GantransError(
            f"the weights of the generator {generator.name!r} take {size / 2**30:.1f} GiB, and an "
            "ONNX file holds less than 2 GiB: use --format torch-export"
        )


def serialised(
    program: ExportedProgram, generator: Generator, metadata: Mapping[str, str]
) -> bytes:
    """The content of the file. Raises GantransError if an operation is not in ONNX."""
    import onnx

    with refused(generator, "use --format torch-export"):
        exported = torch.onnx.export(
            program,
            dynamo=True,
            verbose=False,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=DYNAMIC,
        )
        assert exported is not None
        model = exported.model_proto
    model.doc_string = metadata["description"]
    onnx.helper.set_model_props(model, dict(metadata))
    # As torch derives them they are formulas of what was padded and cropped.
    for axis, name in ((0, "batch"), (2, "height"), (3, "width")):
        model.graph.output[0].type.tensor_type.shape.dim[axis].dim_param = name
    content: bytes = model.SerializeToString()
    return content


def opened(file: Path) -> Run:
    """The file, to be run by onnxruntime on the CPU."""
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what fails is raised, too
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def run(images: Tensor) -> Tensor:
        return torch.from_numpy(session.run([OUTPUT], {INPUT: images.numpy()})[0])

    return run
