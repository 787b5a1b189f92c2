"""What other sites, and pages that have been got hold of, can do with the server: nothing."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from starlette.testclient import TestClient

from gantrans.serving.app import application
from gantrans.serving.limits import Limits
from gantrans.serving.models import Served


@pytest.mark.parametrize(
    "host", ["127.0.0.1:7860", "127.0.0.5:7860", "localhost:7860", "LOCALHOST", "[::1]:7860"]
)
def test_its_own_machine_is_answered(host: str, client: TestClient) -> None:
    assert client.get("/api/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example:7860",
        "localhost.example",
        "127.0.0.1.example",
        "[::1",
        "",
        "127.0.0.1/$(id)",
        "128.0.0.1",
        "0.0.0.0",
        "::1",
        "127.0.0.1#evil",
        "127.0.0.1?evil",
        "user@127.0.0.1",
        "127.0.0.1:abc",
    ],
)
def test_a_name_that_has_come_to_mean_this_machine_is_not(host: str, client: TestClient) -> None:
    answer = client.get("/api/models", headers={"Host": host})

    assert answer.status_code == 403
    assert answer.json().keys() == {"error"}


def test_open_to_others_it_has_any_name(served: Sequence[Served]) -> None:
    app = application(served, Limits(), hosts=None)
    with TestClient(app, base_url="http://gpu-box.lan:7860") as client:
        assert client.get("/").status_code == 200
        junk = client.get("/api", headers={"Host": "gpu-box.lan/$(id)"})
    assert junk.status_code == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:7860", 400),  # there is no image in it
        ("http://127.0.0.1:9999", 403),
        ("https://elsewhere.example", 403),
        ("null", 403),
    ],
)
def test_the_pages_of_other_sites_cannot_make_it_work(
    origin: str, status: int, client: TestClient
) -> None:
    answer = client.post("/api/translate", files={"x": b""}, headers={"Origin": origin})

    assert answer.status_code == status
    assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize("path", ["/", "/api", "/api/models", "/assets/serve.js", "/nix"])
def test_every_answer_says_that_nothing_from_elsewhere_belongs_to_it(
    path: str, client: TestClient
) -> None:
    headers = client.get(path).headers

    policy = dict(
        part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
