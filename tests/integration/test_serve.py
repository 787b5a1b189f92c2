"""`gantrans serve` as a process, asked by programs and in a real Chromium."""

from __future__ import annotations

import base64
import io
import re
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

import gantrans
from gantrans.cli import serve as command_file
from processes import Launcher, Process
from served_model import as_file, landscape, write_run

LIMITS = ("--max-upload", "60kB", "--max-pixels", "10000")


@dataclass(frozen=True)
class Running:
    """A server, and where it is."""

    process: Process
    url: str
    run: Path

    def translated(self, image: Image.Image, to: str = "winter") -> bytes:
        """The pixels that Python gets of the same model."""
        return gantrans.load(self.run, device="cpu").translate(image, to).tobytes()

    def ask(self, content: bytes, to: str = "winter") -> httpx2.Response:
        """The translation of seasons-001, as an image."""
        return httpx2.post(
            self.url + "api/translate",
            files={"file": ("photo.png", content)},
            data={"model": "seasons-001", "to": to},
            headers={"Accept": "image/*"},
            timeout=60,
        )


def started(launcher: Launcher, folder: Path, *arguments: object) -> Process:
    """`gantrans serve ARGUMENTS...`, once it has said its address."""
    process = launcher.start("serve", *arguments, "--device", "cpu", cwd=folder)
    process.wait_until(
        lambda: "http://" in process.out.read_text() or bool(process.err.read_text())
    )
    return process


def address(process: Process) -> str:
    found = re.search(r"http://\S+/", process.out.read_text())
    assert found, process.err.read_text()
    return found[0]


@pytest.fixture(scope="module")
def server(launcher: Launcher, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One of two models, of both ways and of one."""
    folder = tmp_path_factory.mktemp("serve")
    run = write_run(folder / "seasons-001")
    other = write_run(folder / "etchings-001", directions=("ab",))
    process = started(launcher, folder, run, other, "--port", 0, *LIMITS)
    yield Running(process, address(process), run)
    process.send(signal.SIGINT)
    ended = process.wait()
    assert (ended.code, ended.err) == (130, "interrupted\n")


def pixels(content: bytes) -> bytes:
    return Image.open(io.BytesIO(content)).tobytes()


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


# The page, in a real Chromium.


@pytest.fixture
def opened(page: Any, server: Running) -> Any:
    """The page, its models shown."""
    page.goto(server.url)
    page.wait_for_selector(".segments label")
    return page


def choose(page: Any, name: str, content: bytes) -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "", "buffer": content})


def downloaded(page: Any, which: int) -> tuple[str, bytes]:
    """The name and the content that the button gives."""
    with page.expect_download() as download:
        page.locator("#results a[download]").nth(which).click()
    path = Path(download.value.path())
    return download.value.suggested_filename, path.read_bytes()


def seen(page: Any, image: str) -> tuple[int, int]:
    """Width and height of a picture that the page shows; it has to be one that the browser can."""
    size = page.locator(image).evaluate(
        "async i => (await i.decode(), [i.naturalWidth, i.naturalHeight])"
    )
    return tuple(size)


def test_a_chosen_file_is_shown_and_downloaded_as_it_is_translated(
    opened: Any, server: Running
) -> None:
    image = landscape((40, 30))

    choose(opened, "photo.png", as_file(image))
    opened.wait_for_selector("#results .card >> nth=1")

    output, cycle = downloaded(opened, 0), downloaded(opened, 1)
    assert (output[0], cycle[0]) == ("photo.winter.png", "photo.cycle.png")
    assert pixels(output[1]) == server.translated(image)
    for picture in ("img.before >> nth=0", "img.after >> nth=0", "img.after >> nth=1"):
        assert seen(opened, picture) == (40, 30)
    alt = opened.locator("img.after >> nth=0").get_attribute("alt")
    assert alt == "photo.png, translated to winter"
    assert opened.locator("#said").text_content() == "photo.png is translated to winter."


def test_the_divider_follows_the_keys_and_the_mouse(opened: Any) -> None:
    choose(opened, "photo.png", as_file(landscape((40, 30))))
    range_ = opened.locator(".divider input").first
    figure = opened.locator(".divider").first
    at = "f => getComputedStyle(f).getPropertyValue('--at')"
    assert figure.evaluate(at) == "50%"

    range_.focus()
    opened.keyboard.press("ArrowRight")
    assert figure.evaluate(at) == "51%"

    box = figure.bounding_box()
    opened.mouse.move(box["x"] + box["width"] / 2, box["y"] + 5)
    opened.mouse.down()
    opened.mouse.move(box["x"] + box["width"] / 10, box["y"] + 5)
    opened.mouse.up()
    assert 5 <= float(figure.evaluate(at).rstrip("%")) <= 15


def test_all_can_be_done_with_the_keyboard_alone(opened: Any, server: Running) -> None:
    image = landscape()
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.className") == "skip"
    opened.locator("#model").focus()
    opened.keyboard.press("Tab")
    opened.keyboard.press("ArrowRight")  # to the other direction
    opened.keyboard.press("Tab")
    opened.keyboard.press("Space")  # not back again
    opened.keyboard.press("Tab")
    # A file input, seen to be focused: that Enter opens the dialog is the browser's own part.
    assert opened.evaluate("document.activeElement.id") == "file"
    ring = "getComputedStyle(document.getElementById('drop')).outlineStyle"
    assert opened.evaluate(ring) == "solid"
    choose(opened, "a.png", as_file(image))
    opened.wait_for_selector("#results .card")

    assert opened.locator("#results .card").count() == 1
    name, content = downloaded(opened, 0)
    assert name == "a.summer.png"
    assert pixels(content) == server.translated(image, "summer")


HAND_OVER = """async ([event, text]) => {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const data = new DataTransfer();
  data.items.add(new File([bytes], "handed.png", { type: "image/png" }));
  const given = { bubbles: true, cancelable: true };
  const made = event === "paste"
    ? new ClipboardEvent(event, { ...given, clipboardData: data })
    : new DragEvent(event, { ...given, dataTransfer: data });
  document.getElementById("drop").dispatchEvent(made);
}"""


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_an_image_can_be_dropped_and_pasted(event: str, opened: Any, server: Running) -> None:
    image = landscape(hue=3)

    opened.evaluate(HAND_OVER, [event, base64.b64encode(as_file(image)).decode()])
    opened.wait_for_selector("#results .card")

    name, content = downloaded(opened, 0)
    assert name == "handed.winter.png"
    assert pixels(content) == server.translated(image)


def test_what_browsers_cannot_show_is_shown_all_the_same(opened: Any) -> None:
    choose(opened, "photo.tif", as_file(landscape((40, 30)), "TIFF"))
    opened.wait_for_selector("#results .card")

    assert seen(opened, "img.before >> nth=0") == seen(opened, "img.after >> nth=0") == (40, 30)
    name, content = downloaded(opened, 0)
    assert (name, Image.open(io.BytesIO(content)).format) == ("photo.winter.tif", "TIFF")


def test_another_direction_and_another_model_translate_the_same_image_again(opened: Any) -> None:
    choose(opened, "photo.png", as_file(landscape()))
    opened.wait_for_selector("a[download='photo.winter.png']")

    opened.get_by_label("winter → summer").check(force=True)
    opened.wait_for_selector("a[download='photo.summer.png']")
    opened.select_option("#model", "etchings-001")
    opened.wait_for_selector("a[download='photo.winter.png']")

    assert not opened.locator("#back-field").is_visible()
    assert opened.locator("#results .card").count() == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello", "no image that can be read here"),
        (as_file(landscape((101, 100))), "too many pixels"),
        (b"x" * 200_000, "at most 59 KiB are taken here"),
        (as_file(landscape((90, 90)), "JPEG")[:700], "truncated"),
    ],
    ids=["no image", "pixels", "bytes", "truncated"],
)
def test_what_cannot_be_translated_is_told_once_and_the_next_is(
    content: bytes, message: str, opened: Any
) -> None:
    choose(opened, "odd.png", content)
    opened.wait_for_selector("#error:not([hidden])")

    assert message in opened.locator("#error").text_content()
    assert not opened.locator("#busy").is_visible()
    choose(opened, "photo.png", as_file(landscape()))
    opened.wait_for_selector("#results .card")
    assert not opened.locator("#error").is_visible()


NOTHING = """(event) => {
  const data = new DataTransfer();
  data.setData("text/plain", "no image");
  const given = { bubbles: true, cancelable: true };
  document.body.dispatchEvent(event === "paste"
    ? new ClipboardEvent(event, { ...given, clipboardData: data })
    : new DragEvent(event, { ...given, dataTransfer: data }));
}"""


@pytest.mark.parametrize("event", ["drop", "paste"])
def test_what_is_no_file_is_told_and_spoils_nothing(event: str, opened: Any) -> None:
    held: list[Any] = []
    choose(opened, "photo.png", as_file(landscape()))
    opened.wait_for_selector("#results .card")

    opened.evaluate(NOTHING, event)
    assert opened.locator("#error").is_visible()
    assert opened.locator("#results .card").count() == 2

    opened.route("**/api/translate", lambda route: held.append(route))
    opened.get_by_label("winter → summer").check(force=True)
    opened.wait_for_selector("#busy:not([hidden])")
    opened.evaluate(NOTHING, event)
    assert opened.locator("#error").is_visible() and opened.locator("#busy").is_visible()
    held[0].continue_()
    opened.wait_for_selector("a[download='photo.summer.png']")
    assert not opened.locator("#error").is_visible()


def test_a_folder_that_is_dropped_is_told_and_spoils_nothing(opened: Any, tmp_path: Path) -> None:
    choose(opened, "photo.png", as_file(landscape()))
    opened.wait_for_selector("#results .card")
    box = opened.locator("#drop").bounding_box()
    dragged = {
        "x": box["x"] + box["width"] / 2,
        "y": box["y"] + box["height"] / 2,
        "data": {"items": [], "files": [str(tmp_path)], "dragOperationsMask": 1},
    }
    hand = opened.context.new_cdp_session(opened)  # a drag from outside, as of the desktop
    for event in ("dragEnter", "dragOver", "drop"):
        hand.send("Input.dispatchDragEvent", {"type": event, **dragged})
    opened.wait_for_selector("#error:not([hidden])")

    said = opened.locator("#error").text_content()
    assert said == f"{tmp_path.name} cannot be read any more (or is a folder): choose it again."
    assert opened.locator("#results .card").count() == 2


def test_a_file_that_changes_on_the_disk_is_translated_as_it_was_chosen(
    opened: Any, server: Running, tmp_path: Path
) -> None:
    image, file = landscape(), tmp_path / "photo.png"
    file.write_bytes(as_file(image))
    opened.set_input_files("#file", file)
    opened.wait_for_selector("a[download='photo.winter.png']")

    file.write_bytes(b"changed")
    opened.get_by_label("winter → summer").check(force=True)
    opened.wait_for_selector("a[download='photo.summer.png']")

    assert pixels(downloaded(opened, 0)[1]) == server.translated(image, "summer")


@pytest.mark.parametrize("size", [(2, 3000), (3000, 2)], ids=["tall", "wide"])
def test_of_the_longest_images_something_is_seen(size: tuple[int, int], opened: Any) -> None:
    choose(opened, "long.png", as_file(landscape(size)))
    opened.wait_for_selector("#results .card")

    figure = opened.locator(".divider").first.bounding_box()
    stage = opened.locator(".stage").first
    assert min(figure["width"], figure["height"]) >= 39
    line = figure["x"] + figure["width"] / 2
    assert 0 < line < opened.viewport_size["width"]
    assert stage.bounding_box()["height"] <= opened.viewport_size["height"]
    scrolled = "s => (s.scrollTo(1e6, 1e6), s.scrollLeft + s.scrollTop)"
    assert stage.evaluate(scrolled) > 1000
    assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_translation_can_be_given_up(opened: Any, server: Running) -> None:
    held = []
    opened.route("**/api/translate", lambda route: held.append(route))  # it never comes to an end
    choose(opened, "photo.png", as_file(landscape()))
    opened.get_by_role("button", name="Cancel").click()

    assert not opened.locator("#busy").is_visible()
    assert not opened.locator("#error").is_visible()
    assert held


@pytest.mark.parametrize("path", ["", "api"])
def test_on_a_phone_nothing_is_wider_than_the_screen(path: str, page: Any, server: Running) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(server.url + path)
    if not path:
        page.wait_for_selector(".segments label")
        choose(page, "photo.png", as_file(landscape((90, 60))))
        page.wait_for_selector("#results .card")

    assert page.evaluate("document.documentElement.scrollWidth") <= 390
