from __future__ import annotations

import socket
from collections.abc import Sequence

import pytest
from starlette.testclient import TestClient

from gantrans.errors import UsageError
from gantrans.serving.app import application
from gantrans.serving.limits import Limits
from gantrans.serving.models import Served
from gantrans.serving.server import bind


def test_port_0_takes_one_that_is_free_and_says_which() -> None:
    door = bind("127.0.0.1", 0)
    with door.socket:
        assert door.socket.getsockname() == ("127.0.0.1", door.port)
        assert door.url == f"http://127.0.0.1:{door.port}/"
        assert door.port and door.loopback


@pytest.mark.parametrize(("host", "loopback"), [("localhost", True), ("0.0.0.0", False)])
def test_it_is_known_whether_others_reach_it(host: str, loopback: bool) -> None:
    door = bind(host, 0)
    with door.socket:
        assert door.loopback == loopback
        assert "0.0.0.0" not in door.url  # which is no address to ask


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.5", "localhost", "My-Box"])
def test_it_answers_by_the_name_that_it_was_told_and_by_the_address_that_it_says(
    host: str, served: Sequence[Served], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = socket.getaddrinfo
    monkeypatch.setattr(  # as Debian's /etc/hosts has it
        socket,
        "getaddrinfo",
        lambda h, *a, **k: known("127.0.1.1" if h == "My-Box" else h, *a, **k),
    )
    door = bind(host, 0)
    with door.socket, TestClient(application(served, Limits(), hosts=door.hosts)) as client:
        for url in (door.url, f"http://{host}:{door.port}/"):
            assert client.get(url).status_code == 200
        assert client.get(f"http://elsewhere.example:{door.port}/").status_code == 403


def test_nobody_is_let_in_before_the_models_are_there() -> None:
    door = bind("127.0.0.1", 0)
    with door.socket, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", door.port))


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} of 127.0.0.1 is taken: .*--port"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid", "a" * 300])
def test_a_host_that_is_not_here_is_told(host: str) -> None:
    with pytest.raises(UsageError, match=r"--host 127\.0\.0\.1"):
        bind(host, 0)


@pytest.mark.parametrize(
    ("limit", "option"),
    [({"seconds": 0}, "timeout"), ({"pixels": 0}, "max-pixels"), ({"queue": -1}, "queue")],
)
def test_a_limit_that_lets_nothing_through_is_told_by_its_option(
    limit: dict[str, int], option: str
) -> None:
    with pytest.raises(UsageError, match=f"--{option}"):
        Limits(**limit)
