"""`gantrans serve` as a process, asked by programs."""

from __future__ import annotations

import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gantrans.cli import serve as command_file
from processes import Launcher
from served_model import as_file, landscape, write_run
from serving_process import Running, address, pixels, started


def test_it_says_which_models_it_has_and_where(server: Running) -> None:
    assert server.process.out.read_text() == (
        f"seasons-001, etchings-001 on cpu: {server.url} (Ctrl-C ends it)\n"
    )
    assert server.url.startswith("http://127.0.0.1:")
    assert httpx2.get(server.url + "api/health").json()["status"] == "ok"


def test_concurrent_requests_get_each_its_own_translation(server: Running) -> None:
    images = [landscape((20 + n, 16), hue=n) for n in range(8)]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda image: server.ask(as_file(image)), images))

    assert [answer.status_code for answer in answers] == [200] * 8
    assert [pixels(a.content) for a in answers] == [server.translated(i) for i in images]


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"hello", 415), (as_file(landscape((101, 100))), 413), (b"x" * 200_000, 413)],
    ids=["no image", "pixels", "bytes"],
)
def test_what_is_not_taken_is_answered_and_the_server_goes_on(
    content: bytes, status: int, server: Running
) -> None:
    answer = server.ask(content)

    assert answer.status_code == status and answer.json().keys() == {"error"}
    assert server.ask(as_file(landscape())).status_code == 200


def test_whoever_breaks_off_an_upload_holds_up_nobody(server: Running) -> None:
    host, port = server.url.removeprefix("http://").strip("/").split(":")
    head = (
        f"POST /api/translate HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: 5000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-Disposition: "
    )
    for _ in range(12):  # more than may wait
        with socket.create_connection((host, int(port))) as half:
            half.sendall(head.encode())
    assert server.ask(as_file(landscape())).status_code == 200

    with ExitStack() as unfinished:
        for _ in range(12):
            half = socket.create_connection((host, int(port)))
            unfinished.enter_context(half).sendall(head.encode())
        assert server.ask(as_file(landscape())).status_code == 200


def test_a_size_that_is_none_is_told_by_its_option(launcher: Launcher, tmp_path: Path) -> None:
    ended = launcher("serve", "no-such-model", "--max-upload", "0", cwd=tmp_path)

    assert "--max-upload '0' is no size of memory" in ended.complaint(2)


def test_the_terminal_is_not_told_what_is_wrong_with_a_form(server: Running) -> None:
    answer = httpx2.post(
        server.url + "api/translate",
        content=b"nothing",
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )

    assert answer.status_code == 400 and "cannot be read" in answer.json()["error"]
    assert server.process.err.read_text() == ""


def test_sigterm_ends_it_while_it_translates(launcher: Launcher, tmp_path: Path) -> None:
    run = write_run(tmp_path / "seasons-001")
    process = started(launcher, tmp_path, run, "--port", 0)
    url = address(process)
    large = as_file(landscape((4000, 3000)))

    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(Running(process, url, run).ask, large)
        while not httpx2.get(url + "api/health").json()["waiting"]:
            pass
        process.send(signal.SIGTERM)
        ended = process.wait()
        answer = asked.result()

    assert (ended.code, ended.err) == (130, "interrupted\n")
    assert answer.status_code == 503 and "shut down" in answer.json()["error"]


def test_a_port_that_is_taken_is_told_before_anything_is_loaded(
    launcher: Launcher, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = launcher("serve", "no-such-model", "--port", port, cwd=tmp_path)

    assert f"port {port} of 127.0.0.1 is taken" in ended.complaint(2)


def test_open_to_others_it_warns(launcher: Launcher, tmp_path: Path) -> None:
    run = write_run(tmp_path / "seasons-001")
    process = started(launcher, tmp_path, run, "--port", 0, "--host", "0.0.0.0")
    process.wait_until(lambda: "warning" in process.err.read_text())
    process.send(signal.SIGINT)

    assert "warning: anyone who reaches port" in process.wait().err


def test_without_the_extra_it_says_how_to_get_it(
    command: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_file, "find_spec", lambda name: None if name == "uvicorn" else name)

    code, _, error = command("serve", "runs/seasons-001")

    assert code == 2
    assert 'uvicorn, which is not installed: pip install "gantrans[web]"' in error
