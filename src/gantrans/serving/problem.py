"""Why a request is not answered with a translation."""

from __future__ import annotations


class Problem(Exception):  # noqa: N818  # it is an answer, with a status of HTTP
    """An answer that is no translation: `{"error": message}`.

    Args:
        status: of HTTP, from 400 on.
        message: for people: what, and what to do.
        retry_after: seconds after which it is worth to ask again.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None) -> None:
        super().__init__(status, message, retry_after)  # all three, so that it can be pickled
        self.status, self.message, self.retry_after = status, message, retry_after

    def __str__(self) -> str:
        return self.message
