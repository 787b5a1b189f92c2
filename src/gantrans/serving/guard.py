"""Who may ask, and what browsers may do with the answers."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[\w.-]+)(:\d+)?", re.ASCII)
"""A name or an address, and a port."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Of every answer. The page takes nothing from anywhere but here, and no page may hold it."""


class Guard:
    """Refuses what other web sites have a browser ask, and says the headers.

    Args:
        app: what it is before.
        hosts: names in the header Host that are answered, beside every address of loopback; None:
            all. A site whose name has come to mean this machine (DNS rebinding) has another name,
            and cannot have such an address.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] | None) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI says."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        reason = self._refused(Headers(scope=scope))
        app = JSONResponse({"error": reason}, 403) if reason else self.app
        await app(scope, receive, with_headers)

    def _refused(self, headers: Headers) -> str | None:
        host, origin = headers.get("host", "").lower(), headers.get("origin")
        match = _HOST.fullmatch(host)
        try:
            netloc = urlsplit(origin or "").netloc
        except ValueError:
            match = None
        if match is None:
            return "the header Host or Origin cannot be read"
        name = match[1].strip("[]")
        if self.hosts is not None and name not in self.hosts and not _is_loopback(name):
            known = " or ".join(sorted({*self.hosts, "127.0.0.1"}))
            return f"this server is for its own machine: ask it as {known}"
        if origin is not None and netloc.lower() != host:
            return "pages of other sites may not use this server"
        return None


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:  # a name is not looked up: it may mean anything
        return False
