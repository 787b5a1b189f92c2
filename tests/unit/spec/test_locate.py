from __future__ import annotations

import ast
import tomllib

import pytest

from gantrans.spec.locate import line_of

# Each line that begins a key says in its comment which key path stands there.
MARKED = '''\
# a comment first
name = "x"  # ("name",)
plugins = [  # ("plugins",)
  "one.py",  # [brackets] = in a comment
  # a comment inside
  "two.py",
]

[domains]  # ("domains",)
a = "summer"  # ("domains", "a")
"b" = "winter"  # ("domains", "b")
[data]  # ("data",)
type = "seasons"  # ("data", "type")
transform.crop = 64  # ("data", "transform", "crop")
transform.flip = false  # ("data", "transform", "flip")

[generator]  # ("generator",)
  norm = { type = "instance", affine = true }  # ("generator", "norm", "affine")
text = """  # ("generator", "text")
[not.a.table]
key = "no key"
"""  # the end
[ losses . cycle ]  # ("losses", "cycle")
weight = 3  # ("losses", "cycle", "weight")
[losses."edge.x"]  # ("losses", "edge.x")
'weight' = 4  # ("losses", "edge.x", "weight")
[optimizer]  # ("optimizer",)
betas = [0.5, 0.999]  # ("optimizer", "betas")
[[many]]  # ("many",)
key = 1  # ("many", "key")
'''


def marks() -> list[tuple[tuple[str, ...], int]]:
    found = []
    for number, line in enumerate(MARKED.splitlines(), start=1):
        comment = line.rpartition("# (")[2]
        if comment != line:
            found.append((ast.literal_eval(f"({comment}"), number))
    return found


@pytest.mark.parametrize(("path", "line"), marks())
def test_a_key_is_found_on_its_line(path: tuple[str, ...], line: int) -> None:
    tomllib.loads(MARKED)  # the example is right
    assert line_of(MARKED, path) == line


def test_there_are_marks() -> None:
    assert len(marks()) == 20


@pytest.mark.parametrize(
    ("path", "written"),
    [
        (("losses", "cycle", "start"), ("losses", "cycle")),
        (("data", "transform", "resize"), ("data", "transform", "crop")),
        (("optimizer", "betas", 1), ("optimizer", "betas")),
        (("plugins", 1), ("plugins",)),
    ],
)
def test_what_is_not_written_is_found_at_the_table_around_it(
    path: tuple[str | int, ...], written: tuple[str, ...]
) -> None:
    assert line_of(MARKED, path) == dict(marks())[written]


def test_what_is_nowhere_has_no_line() -> None:
    assert line_of(MARKED, ("train", "epochs")) is None
    assert line_of("", ("train",)) is None


def test_a_key_whose_table_is_written_twice_in_parts_is_found() -> None:
    text = "[losses.cycle]\nweight = 1\n[train]\nepochs = 1\n[losses]\nglow.weight = 2\n"
    assert line_of(text, ("losses", "glow", "weight")) == 6
    assert line_of(text, ("losses", "cycle", "weight")) == 2
