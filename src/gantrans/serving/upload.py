"""Reading what a form sends, within the limits. Nothing of it is written to a disk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from gantrans.serving.limits import Limits
from gantrans.serving.problem import Problem

BESIDE = 2**14
"""Bytes that a form may have beside its file."""

PATIENCE = 4
"""Up to how many times what is allowed is read, and dropped, so that who sends it hears why."""


@dataclass(frozen=True)
class Upload:
    """An image file and what is said with it.

    Args:
        content: the bytes of the file.
        name: of the file, without folders.
        fields: the other fields of the form.
    """

    content: bytes
    name: str
    fields: Mapping[str, str]


class _InMemory(MultiPartParser):
    spool_max_size = 0  # never to a temporary file


async def read_upload(request: Request, limits: Limits) -> Upload:
    """The form of a request, its image in the field `file`.

    Raises:
        Problem: if it is too large, takes too long, or is no such form.
    """
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise Problem(415, "send the image as a form, multipart/form-data, in its field `file`")
    parser = _InMemory(
        request.headers,
        _counted(request, limits.upload),
        max_files=1,
        max_fields=8,
        max_part_size=BESIDE,
    )
    try:
        async with asyncio.timeout(limits.seconds):
            form = await parser.parse()
    except MultiPartException as error:
        raise Problem(400, f"the form cannot be read: {error.message}") from None
    except UnicodeError:
        raise Problem(400, f"the form cannot be read: there is no text in {kind}") from None
    except TimeoutError:
        raise Problem(408, f"the upload took longer than {limits.seconds:g} seconds") from None
    except ClientDisconnect:
        raise Problem(400, "the upload was broken off") from None
    fields = {key: value for key, value in form.items() if isinstance(value, str)}
    file = form.get("file")
    content = await file.read() if isinstance(file, UploadFile) else None
    await form.close()
    if not isinstance(file, UploadFile):
        raise Problem(400, "there is no image in the form: send one in its field `file`")
    if not content:
        raise Problem(400, "the image file is empty")
    return Upload(content, _without_folders(file.filename or ""), fields)


async def _counted(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    """The body of a request; what is too large is not kept. Raises Problem if it is."""
    most += BESIDE
    told = request.headers.get("content-length", "")
    size = int(told) if told.isdecimal() else 0
    read = 0
    if size <= PATIENCE * most:
        async for chunk in request.stream():
            read += len(chunk)
            if max(read, size) <= most:
                yield chunk
            elif read > PATIENCE * most:
                break
    if max(read, size) > most:
        allowed = (most - BESIDE) / 2**20
        raise Problem(413, f"the file is too large: at most {allowed:.3g} MiB are taken here")


def _without_folders(name: str) -> str:
    """What a browser calls a file, fit to be a name anywhere."""
    last = PurePosixPath(name.replace("\\", "/")).name
    kept = "".join(c for c in last if c.isprintable() and c not in '<>:"|?*').strip(" .")
    return kept[-200:] or "image"
