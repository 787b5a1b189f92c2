"""The JSON endpoints."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from gantrans.errors import GantransError, NonFiniteError
from gantrans.serving.answers import Event, Failure, Health, Models, Translated
from gantrans.serving.limits import Limits
from gantrans.serving.line import Line, Progress
from gantrans.serving.models import Served
from gantrans.serving.problem import Problem
from gantrans.serving.translation import Translation, translate
from gantrans.serving.upload import Upload, read_upload

STREAM = "application/x-ndjson"

FORM: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {
                        "type": "string",
                        "format": "binary",
                        "description": "PNG, JPEG, WebP, TIFF, BMP or GIF, one image.",
                    },
                    "model": {
                        "type": "string",
                        "description": "Its name; may be left out if there is one only.",
                    },
                    "to": {
                        "type": "string",
                        "description": "Domain to translate to; may be left out if the model has "
                        "one direction only.",
                    },
                    "round_trip": {
                        "type": "boolean",
                        "default": False,
                        "description": "Whether to translate back again too.",
                    },
                },
            }
        }
    },
}

ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": Failure, "description": "The form, or the image in it, cannot be read."},
    404: {"model": Failure, "description": "There is no such model."},
    408: {"model": Failure, "description": "The upload took too long."},
    413: {"model": Failure, "description": "The file has too many bytes, or too many pixels."},
    415: {"model": Failure, "description": "It is no image, or of a kind that is not taken."},
    500: {"model": Failure, "description": "The network gave no numbers, or a fault of gantrans."},
    503: {"model": Failure, "description": "Too many wait already; see Retry-After."},
    504: {"model": Failure, "description": "The translation took too long."},
}


def endpoints(served: Sequence[Served], models: Models, line: Line, limits: Limits) -> APIRouter:
    """GET /api/models, GET /api/health and POST /api/translate.

    Args:
        served: the models.
        models: the same, in words.
        line: where translations wait.
        limits: what is taken.
    """
    router = APIRouter(prefix="/api")

    async def uploaded(request: Request) -> Upload:
        with line.upload():
            return await read_upload(request, limits)

    @router.get("/health", summary="Whether the server answers")
    async def health() -> Health:
        return Health(status="ok", waiting=line.waiting)

    @router.get("/models", summary="What there is to translate with")
    async def list_models() -> Models:
        return models

    sent = Depends(uploaded)

    @router.post(
        "/translate",
        summary="Translate an image",
        description="The answer is JSON; with the header `Accept: image/*` the translation itself; "
        f"and with `Accept: {STREAM}` a line of JSON now and then that says how far it is, and a "
        "last one with the result or the error.",
        response_model=Translated,
        responses={
            200: {
                "content": {
                    "image/*": {"schema": {"type": "string", "format": "binary"}},
                    STREAM: {"schema": _schema_of_events()},
                }
            },
            **ERRORS,
        },
        openapi_extra={"requestBody": FORM},
    )
    async def translate_image(request: Request, upload: Upload = sent) -> Response:
        model = _model(served, upload.fields.get("model"))
        work = partial(
            translate,
            model.translator,
            upload.content,
            upload.name,
            upload.fields.get("to"),
            round_trip=_flag(upload.fields.get("round_trip", "false")),
            limits=limits,
            codec=line.codec,
        )
        states = line(lambda look: work(look=look))
        accepted = request.headers.get("accept", "").strip().lower()
        if accepted.startswith(STREAM):
            return StreamingResponse(_lines(request, model.name, states), media_type=STREAM)
        translation = await _last(request, states)
        if translation is None:
            return Response(status_code=499)  # nobody is there to read it
        if accepted.startswith("image/"):
            file = translation.output
            named = f"attachment; filename*=UTF-8''{quote(file.name)}"
            headers = {"Content-Disposition": named}
            return Response(file.content, media_type=file.media_type, headers=headers)
        answer = Translated.of(model.name, translation).model_dump_json()
        return Response(answer, media_type="application/json")

    return router


def _schema_of_events() -> dict[str, Any]:
    schema = Event.model_json_schema(ref_template="#/components/schemas/{model}")
    schema.pop("$defs")  # they are components of the document, as parts of the answer in JSON
    return schema


def _model(served: Sequence[Served], name: str | None) -> Served:
    if name is None and len(served) == 1:
        return served[0]
    there = ", ".join(one.name for one in served)
    if name is None:
        raise Problem(400, f"say which model in the field `model`; there are: {there}")
    for one in served:
        if one.name == name:
            return one
    raise Problem(404, f"there is no model {name!r}; there are: {there}")


def _flag(text: str) -> bool:
    if text.lower() in ("true", "1", "yes", "on"):
        return True
    if text.lower() in ("false", "0", "no", "off", ""):
        return False
    raise Problem(400, f"round_trip is true or false, not {text!r}")


async def _last(
    request: Request, states: AsyncGenerator[Progress | Translation, None]
) -> Translation | None:
    """The result; None if whoever asked has gone."""
    async with aclosing(states):
        async for state in states:
            if isinstance(state, Translation):
                return state
            if await request.is_disconnected():
                break
    return None


async def _lines(
    request: Request, model: str, states: AsyncGenerator[Progress | Translation, None]
) -> AsyncIterator[bytes]:
    """The same as lines of JSON, each once."""
    said = None
    try:
        async with aclosing(states):
            async for state in states:
                if isinstance(state, Translation):
                    yield _line(Event(result=Translated.of(model, state)))
                elif await request.is_disconnected():
                    return
                elif state != said:
                    yield _line(Event(ahead=state.ahead, share=round(state.share, 3)))
                    said = state
    except Exception as error:
        problem = as_problem(error)
        if problem is None:
            yield _line(Event(error=FAULT, status=500))
            raise
        yield _line(Event(error=problem.message, status=problem.status))


def _line(event: Event) -> bytes:
    return event.model_dump_json(exclude_unset=True).encode() + b"\n"


FAULT = "something is wrong in gantrans itself: its terminal says what"


def as_problem(error: Exception) -> Problem | None:
    """What to answer to an error; None if it is none that is expected."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, NonFiniteError):
        return Problem(500, str(error))
    if isinstance(error, GantransError):
        return Problem(400, str(error))
    return None
