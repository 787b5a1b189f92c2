"""The whole file: bounded, escaped, complete, and written beside its place first."""

from __future__ import annotations

import json
import os
import random
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from drawn_run import SPEC, drawn_run, fault, write_lines
from gantrans.errors import GantransError, UsageError
from gantrans.report.curves import MOST_POINTS
from gantrans.report.report import report

EVIL = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'


class Seen(HTMLParser):
    """The elements of a page with their attributes, and its text outside of scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = tag

    def handle_data(self, data: str) -> None:
        if self.inside not in ("script", "style"):
            self.texts.append(data.strip())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def made(*runs: Path, out: Path | None = None) -> Seen:
    return Seen(report(runs, out).path.read_text(encoding="utf-8"))


def test_a_report_says_it_all(tmp_path: Path) -> None:
    run = drawn_run(tmp_path / "a run", health=[fault(300, "saturated", severity="warning")])
    write_lines(run / "data.json", [{"version": 1, "findings": [{"text": "three are gray"}]}])
    written = report([run])
    assert written.path == run / "report.html" and written.size == written.path.stat().st_size
    seen = Seen(written.path.read_text(encoding="utf-8"))
    for words in (
        written.verdicts[0].sentence,
        "Watch out (summer to winter): saturated is seen",
        "finished, 1000 of 1000 steps",
        "another spec",
        "three are gray",
        "train.epochs",
        "a machine, 2 threads",
        f"gantrans translate '{run}' IMAGE... --to winter --out DIR",
        f"gantrans run --resume '{run}' --set train.epochs=4",
        'name = "drawn"',
    ):
        assert words in seen.text
    assert all(image["alt"] for image in seen.all("img"))
    assert list(run.glob(".*")) == []  # nothing of the writing is left


def test_a_report_asks_for_nothing_outside(tmp_path: Path) -> None:
    seen = made(drawn_run(tmp_path / "run"))
    for _, attributes in seen.elements:
        for name in ("src", "href", "srcset", "action", "data"):
            assert (attributes.get(name) or "#").startswith(("data:", "#"))
    policy = [meta for meta in seen.all("meta") if "http-equiv" in meta]
    assert "default-src 'none'" in str(policy[0]["content"])


def test_what_others_wrote_is_text_and_never_runs(tmp_path: Path) -> None:
    domains = {"a": f"summer{EVIL}", "b": EVIL}
    health = [fault(300, EVIL, where=EVIL, seen=EVIL, means=EVIL, **{"try": EVIL, "title": EVIL})]
    run = drawn_run(tmp_path / "<b>run", spec={**SPEC, "domains": domains}, health=health)
    (run / "spec.toml").write_text(f"# {EVIL}")
    with (run / "log.txt").open("a") as log:
        log.write(f"2026-11-26 01:00:00  {EVIL}\n")
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 1001, f"generators/{EVIL}/x": 1.0, EVIL: 2.0}) + "\n")
    finding = {"severity": EVIL, "text": EVIL, "files": [EVIL], "kind": EVIL}
    write_lines(run / "data.json", [{"version": 1, "findings": [finding]}])
    resolved = json.loads((run / "spec.resolved.json").read_text())
    evil = {"machine": EVIL, "changed": [{"key": EVIL, "value": EVIL, "default": [EVIL]}]}
    (run / "spec.resolved.json").write_text(json.dumps({**resolved, **evil}))
    clean = made(drawn_run(tmp_path / "clean"))
    seen = made(run)
    assert len(seen.all("script")) == len(clean.all("script"))
    assert not any("onerror" in attributes for _, attributes in seen.elements)
    assert EVIL in seen.text  # it is shown, as text


def test_a_long_run_gives_a_short_report(tmp_path: Path) -> None:
    """100,000 lines; that memory is bounded too is a test of the curves."""
    run = drawn_run(tmp_path / "run", steps=1000, samples=0)
    draw = random.Random(1)
    with (run / "metrics.jsonl").open("w") as file:
        for step in range(1, 100_001):
            values = ", ".join(f'"generators/loss{n}/b": {draw.random():.17f}' for n in range(4))
            file.write(f'{{"step": {step}, {values}}}\n')
    long = report([run]).size
    write_lines(run / "metrics.jsonl", [{"step": 1}])
    assert long < report([run]).size + 4 * MOST_POINTS * 20  # bytes of a step and a value


@pytest.mark.parametrize(
    "name",
    ["spec.resolved.json", "summary.json", "metrics.jsonl", "health.jsonl", "spec.toml", "log.txt"],
)
def test_any_file_may_be_missing(tmp_path: Path, name: str) -> None:
    run = drawn_run(tmp_path / "run")
    (run / name).unlink()
    assert report([run]).size > 50_000


@pytest.mark.parametrize("odd", [3, "x", [1], {"a": 1}, None, True])
@pytest.mark.parametrize(
    "name", ["spec.resolved.json", "summary.json", "data.json", "training.json"]
)
def test_members_of_another_shape_stop_nothing(tmp_path: Path, name: str, odd: object) -> None:
    run = drawn_run(tmp_path / "run", steps=200, samples=1, images=1)
    write_lines(run / "data.json", [{"findings": [{"text": "x"}], "counts": {}}])
    file = next(run.rglob(name))
    whole = json.loads(file.read_text())
    spec = whole.get("spec", {})
    for changed in [{**whole, key: odd} for key in whole] + [
        {**whole, "spec": {**spec, key: odd}} for key in spec
    ]:
        file.write_text(json.dumps(changed))
        report([run])


def test_runs_are_compared(tmp_path: Path) -> None:
    one, two = (
        drawn_run(tmp_path / "one"),
        drawn_run(tmp_path / "two", swd=(200, 150, 90), spec={**SPEC, "seed": 4}, shade=0.2),
    )
    seen = made(one, two, out=tmp_path / "both.html")
    assert "seed 3 4" in seen.text and "train.log_every" not in seen.text
    assert "one · summer->winter" in seen.text and "two · summer->winter" in seen.text
    assert "These are not the same image" in seen.text
    assert "swd less 310 900" in seen.text
    same = made(one, drawn_run(tmp_path / "three"), out=tmp_path / "same.html")
    assert "These are not the same image" not in same.text and "their specs are equal" in same.text


def test_runs_in_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    runs = [drawn_run(tmp_path / "a" / "run"), drawn_run(tmp_path / "b" / "run", shade=0.2)]
    seen = made(*runs, out=tmp_path / "both.html")
    assert "a/run, b/run" in seen.text
    assert "b/run · summer->winter" in seen.text and "translated to winter by b/run" in str(
        [image["alt"] for image in seen.all("img")]
    )


def test_of_several_runs_the_best_is_bold_unless_copying_wins_it(tmp_path: Path) -> None:
    """A run that copies has the best way there and back."""
    runs = []
    for name, swd, cycle in (("good", 60.0, 5.0), ("copying", 300.0, 0.1)):
        runs.append(drawn_run(tmp_path / name))
        summary = json.loads((runs[-1] / "summary.json").read_text())
        baselines = {"input_unchanged": 310.0}
        scores = {"swd": {"value": swd, "baselines": baselines}, "cycle": {"value": cycle}}
        summary["metrics"] = {"summer->winter": scores}
        (runs[-1] / "summary.json").write_text(json.dumps(summary))
    html = report(runs, tmp_path / "both.html").path.read_text(encoding="utf-8")
    assert re.findall(r"<b>(.*?)</b>", html) == ["60.0"]


def test_where_a_comparison_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runs = [drawn_run(tmp_path / "one"), drawn_run(tmp_path / "two")]
    assert report(runs).path == Path("report.html")
    with pytest.raises(UsageError, match=r"report.html exists; name the file"):
        report(runs)
    with pytest.raises(UsageError, match="a run is named twice"):
        report([runs[0], Path("one")], tmp_path / "x.html")


def test_a_place_that_cannot_be_written_is_one_message(tmp_path: Path) -> None:
    run = drawn_run(tmp_path / "run")
    (tmp_path / "file").write_text("")
    with pytest.raises(GantransError, match=r"cannot write .* give another --out"):
        report([run], tmp_path / "file" / "report.html")


def test_half_a_character_and_a_name_that_is_no_utf8_stop_nothing(tmp_path: Path) -> None:
    run = drawn_run(tmp_path / os.fsdecode(b"r\xff"), spec={**SPEC, "name": "half \ud800 a name"})
    lines = [{"step": 20, "metrics/swd/sum\ud800mer->winter": 1.0}]
    write_lines(run / "metrics.jsonl", lines)
    write_lines(run / "health.jsonl", [fault(300, "collapsed", where="win\udc80ter")])
    text = report([run], tmp_path / "report.html").path.read_text(encoding="utf-8")
    assert "<title>r?" in text


def test_a_link_out_of_the_run_is_not_copied_into_the_report(tmp_path: Path) -> None:
    run = drawn_run(tmp_path / "run")
    for name in ("spec.toml", "log.txt"):
        (tmp_path / name).write_text("secret")
        (run / name).unlink()
        (run / name).symlink_to(tmp_path / name)
    written = report([run])
    text = written.path.read_text(encoding="utf-8")
    assert "secret" not in text
    assert "spec.toml cannot be read" in text and "log.txt cannot be read" in text
