"""All that the server answers, as one application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version as version_of

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gantrans.errors import GantransError
from gantrans.serving.answers import Allowed, Model, Models
from gantrans.serving.endpoints import FAULT, as_problem, endpoints
from gantrans.serving.guard import Guard
from gantrans.serving.limits import Limits
from gantrans.serving.line import Line
from gantrans.serving.models import Served
from gantrans.serving.pages import pages
from gantrans.serving.problem import Problem


def application(
    served: Sequence[Served],
    limits: Limits,
    *,
    line: Line | None = None,
    hosts: Collection[str] | None = frozenset({"localhost"}),
) -> FastAPI:
    """The page and the endpoints, for any server of ASGI.

    Args:
        served: the models.
        limits: what is taken.
        line: where translations wait; absent: one of its own. It ends with the application.
        hosts: names by which the server may be asked, beside the addresses of loopback; None: any.
    """
    line = line or Line(limits)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        line.close()

    app = FastAPI(
        title="gantrans",
        version=version_of("gantrans"),
        description="Translates images with trained models.",
        # What FastAPI would show these with comes from other servers; /api explains them.
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    models = Models(models=[Model.of(one) for one in served], limits=Allowed.of(limits))
    app.include_router(endpoints(served, models, line, limits))
    app.include_router(pages(models))
    for kind in (Problem, GantransError, Exception):
        app.add_exception_handler(kind, _failed)
    app.add_exception_handler(HTTPException, _no_such_thing)
    app.add_middleware(_Heads)
    app.add_middleware(Guard, hosts=hosts)
    return app


class _Heads:
    """Has HEAD answered as GET is; the server then leaves out the content."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") == "HEAD":
            scope = {**scope, "method": "GET"}  # the server's own stays
        await self.app(scope, receive, send)


async def _failed(request: Request, error: Exception) -> Response:
    problem = as_problem(error) or Problem(500, FAULT)
    after = problem.retry_after
    return _answer(problem.status, problem.message, {"Retry-After": str(after)} if after else None)


async def _no_such_thing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return _answer(404, "there is nothing here: the page is at /, the endpoints are under /api")
    if error.status_code == 405:
        allowed = (error.headers or {})["Allow"]
        return _answer(405, f"this address is asked with {allowed}", error.headers)
    return _answer(error.status_code, error.detail, error.headers)


def _answer(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": message}, status, headers)
