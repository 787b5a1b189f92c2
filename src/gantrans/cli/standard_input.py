"""`gantrans translate MODEL -`: one image through pipes. Imports torch."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import UnidentifiedImageError

from gantrans.api.files import ORDINARY
from gantrans.errors import DataError, GantransError, UsageError
from gantrans.inference.files.formats import FORMATS
from gantrans.inference.files.handling import Handling
from gantrans.inference.files.picture import at_most, opened
from gantrans.inference.files.plan import FileJob, Wanted
from gantrans.inference.files.shown import shown
from gantrans.inference.files.translate import translate_files
from gantrans.inference.translator import Translator
from gantrans.training.distributed import refuse_several


def translate_standard_input(
    translator: Translator,
    inputs: Sequence[Path],
    out: Path | None,
    to: str | None,
    wanted: Wanted,
    handling: Handling,
) -> None:
    """Translate one image from standard input to standard output, where nothing else is written."""
    refuse_several("standard input is translated")
    if len(inputs) > 1 or out is not None or wanted.cycle or wanted.compare:
        raise UsageError(
            "- is one image from standard input to standard output: it goes without other inputs, "
            "--out, --round-trip and --compare"
        )
    if translator.files(to) != (ORDINARY, ORDINARY):
        raise UsageError("the files of this model's domains are no ordinary images: name files")
    if sys.stdout is None:
        raise UsageError("standard output is closed: say where the image goes, > FILE")
    if sys.stdout.isatty():
        raise UsageError("the image would be written to the terminal: redirect it, > FILE")
    if sys.stdin is None:
        raise UsageError("standard input is closed: give it an image, < FILE")
    try:
        content = sys.stdin.buffer.read()
    except OSError as error:
        raise GantransError(
            f"cannot read standard input: {error.strerror or error}; give it an image, < FILE"
        ) from error
    try:
        with TemporaryDirectory(prefix="gantrans-") as folder:
            result = _translated(translator, content, Path(folder), to, wanted, handling)
    except OSError as error:
        raise _cannot_keep(error) from error
    _write_to_standard_output(result)


def _translated(
    translator: Translator,
    content: bytes,
    folder: Path,
    to: str | None,
    wanted: Wanted,
    handling: Handling,
) -> bytes:
    """The translation of an image file's content, by way of files in `folder`. Raises OSError."""
    given = folder / "standard input"
    given.write_bytes(content)
    try:
        with at_most(handling.megapixels):
            target = folder / f"output.{wanted.format or _format(given)}"
        for outcome in translate_files(translator, [FileJob(given, target)], to, handling):
            if outcome.error:
                raise outcome.error
            for note in outcome.notes:
                print(f"note: {shown(note)}", file=sys.stderr)
    except GantransError as error:
        if isinstance(error.__cause__, UnidentifiedImageError):
            raise DataError(
                "cannot read the image standard input: it is none that is known; standard input "
                "takes an image, and videos are translated as files"
            ) from None
        if isinstance(error.__cause__, OSError) and "cannot write" in str(error):
            raise _cannot_keep(error.__cause__) from error
        raise type(error)(str(error).replace(str(given), given.name)) from None
    return target.read_bytes()


def _cannot_keep(error: OSError) -> GantransError:
    return GantransError(
        f"cannot keep the image in a temporary file: {error.strerror or error}; make room, or set "
        "TMPDIR to another folder"
    )


def _write_to_standard_output(content: bytes) -> None:
    try:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        # What could not be written would be tried again, and fail again, at the end of the process.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise GantransError(
            f"cannot write to standard output: {error.strerror}; make room, or write to another "
            "place"
        ) from error


def _format(path: Path) -> str:
    """The suffix, without its dot, for a file of the same format."""
    with opened(path) as image:
        format = "JPEG" if image.format == "MPO" else image.format
    return next(suffix[1:] for suffix, name in FORMATS.items() if name == format)
