"""The report in a real Chromium: it loads in silence, and everything on it works.

The fixture `page` fails a test whose page logs an error or asks another machine for anything.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drawn_run import drawn_run, fault
from gantrans.report.report import report

Page = Any  # playwright.sync_api.Page, which may not be installed

FAULTS = [
    {"step": 200, "state": "judging"},
    fault(300, "collapsed", since=250),
    fault(500, "collapsed", state="ended", since=250),
    fault(600, "saturated", severity="warning", where="", seen="<img src=x onerror=alert(1)>"),
]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the report of a run."""
    run = drawn_run(tmp_path_factory.mktemp("report") / "run", health=FAULTS)
    return report([run]).path.as_uri()


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a report of two runs, the second with fewer moments and other images."""
    folder = tmp_path_factory.mktemp("compared")
    runs = [
        drawn_run(folder / "one"),
        drawn_run(folder / "two", samples=2, shade=0.2, swd=(250, 90, 70), steps=600),
    ]
    return report(runs, folder / "both.html").path.as_uri()


def view(page: Page) -> tuple[float, float]:
    """The first and the last step that the first chart shows."""
    ends: list[float] = page.evaluate(
        "() => { const x = document.querySelector('.chart').chart.u.scales.x;"
        " return [x.min, x.max]; }"
    )
    return ends[0], ends[1]


def shown(page: Page) -> list[str]:
    """What the pictures that change over time show."""
    found: list[str] = page.eval_on_selector_all("img[data-tile]", "all => all.map(i => i.src)")
    return found


def test_the_slider_goes_through_training_time(page: Page, written: str) -> None:
    page.goto(written)
    slider, says = page.locator("#moment"), page.locator("#moment-says")
    assert says.inner_text() == "step 1000 (best)"
    last = shown(page)
    slider.focus()
    page.keyboard.press("Home")
    assert says.inner_text() == "step 333"
    first = shown(page)
    # Of the four images, the translations differ, the ways back do not: see draw_samples.
    assert [a == b for a, b in zip(first, last, strict=True)] == [False, True] * 4
    page.keyboard.press("ArrowRight")
    assert says.inner_text() == "step 666"
    assert shown(page)[0] not in (first[0], last[0])
    page.get_by_role("button", name="Best").click()
    assert shown(page) == last
    loaded = "all => all.every(image => image.complete && image.naturalWidth > 0)"
    assert page.eval_on_selector_all("img", loaded)


def test_best_goes_to_the_picture_nearest_to_the_best(page: Page, tmp_path: Path) -> None:
    run = drawn_run(tmp_path / "run", swd=(200, 60, 110, 120), finished=False)
    page.goto(report([run]).path.as_uri())  # the best of four evaluations is at step 500
    says = page.locator("#moment-says")
    assert says.inner_text() == "step 1000"
    page.get_by_role("button", name="Best").click()
    assert says.inner_text() == "step 666, nearest to the best (500)"
    assert page.locator("#moment").get_attribute("aria-valuetext") == says.inner_text()


@pytest.mark.parametrize("width", [360, 390])
@pytest.mark.parametrize("which", ["written", "compared"])
def test_a_phone_shows_the_numbers_without_scrolling(
    page: Page, which: str, width: int, request: pytest.FixtureRequest
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(request.getfixturevalue(which))
    region = page.get_by_role("region", name="Metrics").bounding_box()
    row = page.locator(".scores tbody tr:not(.direction)").first
    assert not page.get_by_text("better is").is_visible()
    cells = [cell for cell in row.locator("td").all() if cell.is_visible()]
    nothing, *values = (cell.inner_text().split() for cell in cells)
    assert nothing == ["310"] and ["60.0", "best", "60.0", "at", "step", "1000"] in values
    for cell in cells:
        box = cell.bounding_box()
        assert box["x"] + box["width"] <= region["x"] + region["width"]


def test_the_divider_follows_mouse_and_keys(page: Page, written: str) -> None:
    page.goto(written)
    figure = page.locator("figure.divider").first

    def at() -> float:
        return float(figure.evaluate("f => f.style.getPropertyValue('--at')").rstrip("%"))

    def cut() -> str:
        return str(figure.locator(".after").evaluate("i => getComputedStyle(i).clipPath"))

    figure.scroll_into_view_if_needed()
    box = figure.bounding_box()
    assert box["width"] > 100 and abs(box["width"] - box["height"]) < 2  # as the picture is
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.3, steps=4)
    page.mouse.up()
    assert at() == pytest.approx(20, abs=2)
    before = cut()
    page.keyboard.press("ArrowRight")
    assert at() == pytest.approx(21, abs=2) and cut() != before
    page.keyboard.press("End")
    assert at() == 100


def test_charts_zoom_smooth_and_hide(page: Page, written: str) -> None:
    page.goto(written)
    plot = page.locator(".chart .plot").first
    plot.scroll_into_view_if_needed()
    everything = view(page)
    assert everything == (250, 1000)  # the evaluations
    box = page.locator(".chart .u-over").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 60, steps=5)
    page.mouse.up()
    assert view(page) == pytest.approx((437.5, 812.5), abs=10)
    page.mouse.dblclick(box["x"] + 30, box["y"] + 40)
    assert view(page) == everything
    plot.focus()
    page.keyboard.press("+")
    assert view(page) == pytest.approx((437.5, 812.5))
    page.keyboard.press("ArrowLeft")
    assert view(page) == pytest.approx((343.75, 718.75))
    page.locator(".chart [data-zoom='out']").first.click()
    assert view(page)[1] - view(page)[0] > 400
    page.keyboard.press("Escape")
    page.locator(".chart [data-zoom='all']").first.click()
    assert view(page) == everything

    def column(number: int) -> list[float]:
        values: list[float] = page.evaluate(
            f"() => Array.from(document.querySelector('.chart').chart.u.data[{number}])"
        )
        return values

    values = column(2)  # of the first line: raw, smoothed, baseline
    assert values == [200, 120, 80, 60] and column(3) == [310] * 4
    page.locator("#smoothing").evaluate(
        "s => { s.value = 50; s.dispatchEvent(new Event('input')) }"
    )
    smoothed, weight, mean = [], 0.0, 0.0
    for value in values:  # a running mean with weights that fall by 0.9
        mean, weight = 0.9 * mean + 0.1 * value, 0.9 * weight + 0.1
        smoothed.append(mean / weight)
    assert column(2) == pytest.approx(smoothed)
    assert page.locator("#smoothing-says").inner_text() == "0.90"
    page.get_by_label("logarithmic").check()
    assert page.evaluate("() => document.querySelector('.chart').chart.u.scales.y.distr") == 3
    line = page.locator(".chart .legend button").first
    line.press("Enter")
    assert line.get_attribute("aria-pressed") == "false"
    assert not page.evaluate("() => document.querySelector('.chart').chart.u.series[2].show")


def test_every_group_of_charts_can_be_opened(page: Page, written: str) -> None:
    page.goto(written)
    drawn = page.locator(".chart canvas")
    before = drawn.count()
    for summary in page.locator("details.group:not([open]) > summary").all():
        summary.click()
    page.wait_for_function(
        "() => document.querySelectorAll('.chart:not([data-drawn])').length == 0"
    )
    assert drawn.count() == page.locator(".chart").count() > before


def test_light_and_dark_follow_the_system_and_the_switch(page: Page, written: str) -> None:
    def ground() -> int:
        red = "getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]"
        return int(page.evaluate(f"() => Number({red})"))

    page.emulate_media(color_scheme="dark")
    page.goto(written)
    assert ground() < 60
    switch = page.locator(".theme-switch")
    assert switch.inner_text() == "Light"
    switch.click()
    assert ground() > 200 and switch.inner_text() == "Dark"
    page.reload()
    assert ground() > 200  # it is kept
    page.emulate_media(media="print", color_scheme="dark")
    assert not switch.is_visible()


@pytest.mark.parametrize("which", ["written", "compared"])
def test_a_phone_scrolls_in_one_direction_only(
    page: Page, which: str, request: pytest.FixtureRequest
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(request.getfixturevalue(which))
    for details in page.locator("details:not([open]) > summary").all():
        if details.is_visible():
            details.click()
    widths = "() => [document.documentElement.scrollWidth, window.innerWidth]"
    whole, screen = page.evaluate(widths)
    assert whole <= screen == 390


def test_the_keyboard_begins_at_the_skip_link_and_focus_is_seen(page: Page, written: str) -> None:
    def focused(what: str) -> Any:
        return page.evaluate(f"() => document.activeElement.{what}")

    page.goto(written)
    page.keyboard.press("Tab")
    assert focused("className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Tab")
    assert focused("className") == "theme-switch"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert page.evaluate(f"() => {outline}") == "solid"


def test_commands_are_copied(page: Page, written: str) -> None:
    page.goto(written)
    button = page.locator(".command .copy").first
    button.click()
    page.wait_for_function("() => document.querySelector('.copy').textContent != 'Copy'")
    selected = str(page.evaluate("() => getSelection().toString()"))
    assert selected.startswith("gantrans run --resume ")


def test_what_others_wrote_does_not_run(page: Page, written: str) -> None:
    page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    page.goto(written)
    assert "<img src=x onerror=alert(1)>" in page.locator("#health").inner_text()
    assert page.locator("#health img").count() == 0


def test_runs_stand_side_by_side(page: Page, compared: str) -> None:
    page.goto(compared)
    assert page.locator(".verdict").count() == 2
    says = page.locator("#moment-says")
    assert says.inner_text() == "one: step 1000 (best) · two: step 600 (best)"
    page.locator("#moment").focus()
    page.keyboard.press("Home")
    assert says.inner_text() == "one: step 333 · two: step 300"
    first = page.locator(".compared").first
    assert first.locator("figure.divider").count() == 2
    places = first.locator("figure.divider").evaluate_all(
        "all => all.map(f => f.getBoundingClientRect()).map(box => [box.x, box.y])"
    )
    assert places[0][1] == places[1][1] and places[0][0] < places[1][0]
    lines = page.evaluate("() => document.querySelector('.chart').chart.lines.map(l => l.label)")
    assert lines == [f"{run} · {way}" for run in ("one", "two")
                     for way in ("summer->winter", "winter->summer")]  # fmt: skip
