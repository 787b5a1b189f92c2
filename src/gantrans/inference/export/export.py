"""Exporting: trace, write beside, run what was written, and only then give it its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from gantrans.errors import GantransError, UsageError
from gantrans.inference.export import onnx, torch_export
from gantrans.inference.export.metadata import metadata
from gantrans.inference.export.parity import Parity, compare
from gantrans.inference.export.tracing import refused, trace
from gantrans.inference.files.whole import appearing, refuse_unwritable
from gantrans.inference.translator import Translator

Format = Literal["onnx", "torch-export"]
SUFFIXES: dict[Format, str] = {"onnx": onnx.SUFFIX, "torch-export": torch_export.SUFFIX}


@dataclass(frozen=True)
class Exported:
    """A file that was written, how large it is, and how near it is to the original."""

    path: Path
    size: int  # bytes
    parity: Parity


def export(
    translator: Translator,
    path: Path,
    format: Format,
    *,
    to: str | None = None,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Exported:
    """Write one generator as a file that other programs run, after comparing both.

    Args:
        translator: on the CPU, in float32.
        path: the file to write, with the format's suffix.
        format: "onnx" or "torch-export".
        to: the domain that the generator writes; may be left out if there is only one.
        overwrite: whether a file that is there already may be replaced.
        say: told what is done next.

    Raises:
        UsageError: if there is no such domain, the file cannot be written there, or a package that
            the format needs is missing.
        GantransError: if the generator cannot be exported, the file gives other pictures, or the
            disk is full; then nothing is left behind.
        NonFiniteError: if the generator gives no numbers.
    """
    target = translator.choose(to)
    generator, texts = translator.generators[target], metadata(translator.header(target))
    _refuse_other_suffix(path, format)
    refuse_unwritable(path, overwrite=overwrite)
    if format == "onnx":
        onnx.check(generator)
    say(f"tracing the generator {generator.name}")
    program = trace(generator)
    say(f"writing it as {format}")
    if format == "onnx":
        content, opened = onnx.serialised(program, generator, texts), onnx.opened
    else:
        content, opened = torch_export.serialised(program, generator, texts), torch_export.opened
    try:
        with appearing(path, overwrite=overwrite) as beside:
            _write(beside, content)
            say("running the file, and comparing")
            with refused(generator, "what was written cannot be opened"):
                exported = opened(beside)
            original = partial(translator.translate_tensor, to=target)
            parity = compare(exported, original, generator)
    except OSError as error:
        raise GantransError(
            f"cannot write {path}: {error.strerror or error}; make room on the disk, or give "
            "another --out"
        ) from error
    return Exported(path, len(content), parity)


def _refuse_other_suffix(path: Path, format: Format) -> None:
    if path.suffix == SUFFIXES[format]:
        return
    others = {suffix: other for other, suffix in SUFFIXES.items()}
    way_out = f": that of --format {others[path.suffix]}" if path.suffix in others else ""
    raise UsageError(
        f"the name of the file must end in {SUFFIXES[format]}, found {path.name!r}{way_out}"
    )


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
