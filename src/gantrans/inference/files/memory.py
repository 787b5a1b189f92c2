"""Images for which no memory is left: each is an error of that image alone."""

from __future__ import annotations

from gantrans.errors import DataError, GantransError
from gantrans.inference.device import is_out_of_memory


def of_one_image(error: Exception) -> GantransError:
    """The error to tell of an image that failed; one that is of no image is raised again.

    What ran out of memory is told by an error of its own, which holds on to nothing.
    """
    if isinstance(error, GantransError):
        return error
    if is_out_of_memory(error):
        return DataError(
            "no memory is left for it: translate it alone, with --workers 1, or make it smaller"
        )
    raise error
