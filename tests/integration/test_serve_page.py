"""The page of `gantrans serve`, in a real Chromium."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from served_model import as_file, landscape
from serving_process import Running, pixels


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
