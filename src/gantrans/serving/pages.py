"""The page, the page that explains the endpoints, and the files that they are made of."""

from __future__ import annotations

from importlib.metadata import version as version_of
from importlib.resources import files
from shlex import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from gantrans.page import asset, templates
from gantrans.serving.answers import Models
from gantrans.serving.problem import Problem

SHARED = ("theme.css", "theme.js", "divider.css", "divider.js")
OWN = ("serve.css", "serve.js")
_TYPES = {"css": "text/css", "js": "text/javascript"}


def pages(models: Models) -> APIRouter:
    """`/`, `/api` and `/assets/...`.

    Args:
        models: what there is; the first is used in examples.
    """
    router = APIRouter(include_in_schema=False)
    shown = templates("gantrans.serving")
    own = files("gantrans.serving") / "assets"
    texts = {name: asset(name) for name in SHARED}
    texts |= {name: (own / name).read_text(encoding="utf-8") for name in OWN}

    @router.get("/")
    async def index() -> Response:
        text = shown.get_template("index.html").render(version=version_of("gantrans"))
        return HTMLResponse(text)

    @router.get("/api")
    async def explained(request: Request) -> Response:
        template = shown.get_template("api.html")
        return HTMLResponse(template.render(models=models, url=request.base_url, quoted=quote))

    @router.get("/assets/{name}")
    async def part(name: str) -> Response:
        if name not in texts:
            raise Problem(404, "there is nothing here")
        return Response(texts[name], media_type=_TYPES[name.rpartition(".")[2]])

    @router.get("/favicon.ico")
    async def icon() -> Response:
        return Response(ICON, media_type="image/svg+xml")

    return router


ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<rect width="32" height="32" rx="7" fill="#0b62a8"/>'
    '<path d="M16 5v22" stroke="#fff" stroke-width="2"/>'
    '<circle cx="16" cy="16" r="4" fill="#fff"/></svg>'
)
