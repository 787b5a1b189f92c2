from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gantrans.errors import SpecError, UsageError
from gantrans.spec.load import load

EDGE = """\
import gantrans


class Edge(gantrans.Loss):
    name = "edge"
"""


def test_a_minimal_spec_is_filled_in_with_defaults(write: Any, minimal: str) -> None:
    loaded = load(write(minimal))
    run = loaded.run
    assert run.generator.component.name == "resnet"
    assert run.train.epochs == 200
    assert list(run.losses) == ["adversarial", "cycle"]
    assert list(run.metrics) == ["psnr", "ssim", "l1", "swd", "cycle"]
    assert loaded.source.base_dir == Path.cwd()


def test_five_mistakes_are_told_at_once_in_the_order_of_the_file(mistakes: Any) -> None:
    found = mistakes(
        """\
name = "my run"
[data]
type = "season"
[generator]
type = "resnet"
norm = { type = "instance", afine = true }
[losses.cycle]
wieght = 3
[losses.adversarial]
[train]
epochs = 0
precision = "fp8"
"""
    )
    assert [line.partition(": ")[0] for line in found] == [
        "spec.toml:1",
        "spec.toml:3",
        "spec.toml:6",
        "spec.toml:8",
        "spec.toml:11",
        "spec.toml:12",
    ]
    assert found[1].startswith(
        "spec.toml:3: data.type: no dataset is called 'season'; did you mean 'seasons'?"
    )
    assert found[2] == "spec.toml:6: generator.norm.afine: unknown key; did you mean 'affine'?"
    assert found[3] == "spec.toml:8: losses.cycle.wieght: unknown key; did you mean 'weight'?"
    assert found[4] == "spec.toml:11: train.epochs: must be at least 1; found 0"
    assert "must be 'fp32', 'tf32' or 'bf16'; found 'fp8'" in found[5]


def test_the_error_counts_the_mistakes(write: Any, minimal: str) -> None:
    with pytest.raises(SpecError, match=r"^2 mistakes in the spec:\n") as caught:
        load(write(minimal + "x = 1\ny = 2\n"))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[losses.cycle]\n", "spec.toml: data: missing (where the images come from)"),
        ('data = "seasons"\n', "spec.toml: losses: missing (terms of the objective"),
        (
            'data = "seasons"\n[losses]\n',
            "spec.toml:2: losses: must have 1 or more entries; found 0",
        ),
        (
            "[data]\n[losses.cycle]\n",
            "spec.toml:1: data: its `type` is missing; give the name of a dataset (",
        ),
        ("data = 5\n[losses.cycle]\n", "spec.toml:1: data: found 5; give the name of a dataset ("),
        (
            'data = "seasons"\n[losses.cycel]\n',
            "spec.toml:2: losses.cycel: no loss is called 'cycel'; did you mean 'cycle'?",
        ),
        (
            'data = "seasons"\n[losses.mine]\ntype = "cycel"\n',
            "spec.toml:3: losses.mine.type: no loss is called 'cycel'; did you mean 'cycle'?",
        ),
        (
            'data = "seasons"\nlosses.cycle.wieght = 1\n',
            "spec.toml:2: losses.cycle.wieght: unknown key; did you mean 'weight'?",
        ),
        (
            'data = "seasons"\nlosses = { cycle = { wieght = 1 } }\n',
            "spec.toml:2: losses.cycle.wieght: unknown key; did you mean 'weight'?",
        ),
        (
            'data = "seasons"\n[losses."cycle"]\n"wieght" = 1\n',
            "spec.toml:3: losses.cycle.wieght: unknown key; did you mean 'weight'?",
        ),
        (
            'data = "seasons"\n[losses.cycle]\n[losses."bad-key"]\ntype = "cycle"\n',
            "spec.toml:3: losses.bad-key: it names a curve: use letters, digits and '_'",
        ),
        (
            'data = "seasons"\n[losses.cycle]\n[optimizer]\nbetas = [\n  0.5,\n  "x",\n]\n',
            "spec.toml:4: optimizer.betas.1: must be a number; found 'x'",
        ),
        (
            'data = "seasons"\n[losses.cycle]\n[data2]\n',
            "spec.toml:3: data2: unknown key; did you mean 'data'?",
        ),
        (
            'data = "seasons"\n[losses.cycle]\n[domains]\na = "x"\nb = "x"\n',
            "spec.toml:3: domains: the domains need two different names",
        ),
        (
            'name = "../up"\ndata = "seasons"\n[losses.cycle]\n',
            "spec.toml:1: name: it becomes a folder's name: use letters, digits, '.', '_' and '-'",
        ),
        (
            'data = "seasons"\n[losses.edge]\n',
            "spec.toml:2: losses.edge: no loss is called 'edge'; if a plugin brings it, install "
            "that plugin or name its file in `plugins` (there are: adversarial, cycle, ",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, expected: str, mistakes: Any) -> None:
    [problem] = mistakes(text)
    assert problem.startswith(expected)


def test_a_toml_error_has_its_line(mistakes: Any) -> None:
    [problem] = mistakes('[data]\ntype = "seasons"\nsize 64\n')
    assert problem.startswith("spec.toml:3: this is no valid TOML: ")


def test_a_key_given_twice_is_a_toml_error(mistakes: Any) -> None:
    [problem] = mistakes("seed = 1\nseed = 2\n")
    assert problem.startswith("spec.toml:2: this is no valid TOML: ")


def test_a_byte_order_mark_is_no_mistake(write: Any, minimal: str) -> None:
    path = write("")
    path.write_bytes(b"\xef\xbb\xbf" + minimal.replace("\n", "\r\n").encode())
    assert load(path).run.losses["cycle"].weight == 10


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir()])
def test_a_spec_that_cannot_be_read_is_told_with_its_path(make: Any, tmp_path: Path) -> None:
    path = tmp_path / "gone.toml"
    make(path)
    with pytest.raises(
        UsageError, match=r"cannot read the spec .*gone\.toml: (there is no such|it is a folder)"
    ):
        load(path)


def test_a_binary_file_is_no_spec(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(UsageError, match="no text file; a spec is a TOML file"):
        load(path)


# ---- overrides


@pytest.mark.parametrize(
    ("setting", "path", "value"),
    [
        ("train.epochs=2", "train.epochs", 2),
        ("optimizer.lr = 1e-3", "optimizer.lr", 1e-3),
        ("optimizer.betas=[0.9, 0.99]", "optimizer.betas", (0.9, 0.99)),
        ("name=test", "name", "test"),
        ("name=2-test", "name", "2-test"),
        ('name="test"', "name", "test"),
        ("domains.a=late summer", "domains.a", "late summer"),
        ("data.transform.flip=false", "data.transform.flip", False),
        ("losses.cycle.weight=3", "losses", 3.0),
    ],
)
def test_a_setting_overrides_one_key(
    setting: str, path: str, value: Any, write: Any, minimal: str
) -> None:
    found: Any = load(write(minimal), settings=[setting]).run
    if path == "losses":
        found = found.losses["cycle"].weight
    else:
        for key in path.split("."):
            found = getattr(found, key)
    assert found == value


def test_a_later_setting_wins(write: Any, minimal: str) -> None:
    loaded = load(write(minimal), settings=["seed=1", "seed=2"])
    assert loaded.run.seed == 2


def test_a_setting_reaches_into_a_slot_that_was_given_by_name(write: Any, minimal: str) -> None:
    text = '[generator]\ntype = "resnet"\nnorm = "instance"\n' + minimal
    norm: Any = load(write(text), settings=["generator.norm.affine=true"]).run.generator
    assert norm.norm.component.name == "instance"
    assert norm.norm.affine is True


def test_a_table_without_a_type_is_of_the_fields_default(write: Any, minimal: str) -> None:
    settings = ["method.pool_size=10", "generator.norm.affine=true", 'generator.preset="6"']
    run = load(write(minimal + "[discriminator]\nlayers = 2\n"), settings=settings).run
    method, generator, discriminator = (
        part.model_dump() for part in (run.method, run.generator, run.discriminator)
    )
    assert (method["type"], method["pool_size"]) == ("cyclegan", 10)
    assert (generator["type"], generator["blocks"]) == ("resnet", 6)
    assert generator["norm"] == {"type": "instance", "affine": True}
    assert (discriminator["type"], discriminator["layers"]) == ("patchgan", 2)


def test_a_key_that_the_default_lacks_names_the_default(mistakes: Any, minimal: str) -> None:
    [said] = mistakes(minimal, "generator.norm.groups=8")
    assert said.startswith("--set generator.norm.groups: unknown key")
    assert "the normalizer 'instance'" in said


def test_a_setting_can_replace_a_whole_table(write: Any, minimal: str) -> None:
    loaded = load(write(minimal), settings=["losses={ identity = { weight = 1 } }"])
    assert list(loaded.run.losses) == ["identity"]


def test_mistakes_in_settings_are_told_as_such(mistakes: Any, minimal: str) -> None:
    found = mistakes(
        minimal + "[train]\nbatch_size = 0\n",
        "train.epoch=3",
        "optimizer.lr=-1",
        "losses.glow.weight=2",
        "losses.cycle.weight=-2",
        'train.epochs="2"',
        "data.transform.flip=False",
    )
    assert sorted(found) == [
        "--set data.transform.flip: must be true or false; found 'False'",
        "--set losses.cycle.weight: must be at least 0; found -2",
        "--set losses.glow: no loss is called 'glow'; if a plugin brings it, install that plugin "
        "or name its file in `plugins` (there are: adversarial, cycle, gradient_penalty, identity, "
        "l1, patch_nce, r1, ssim, total_variation)",
        "--set optimizer.lr: must be greater than 0; found -1",
        "--set train.epoch: unknown key; did you mean 'epochs'?",
        "--set train.epochs: must be a whole number; found '2'",
        "spec.toml:9: train.batch_size: must be at least 1; found 0",
    ]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("train.epochs", "write it as KEY=VALUE"),
        ("=3", "write it as KEY=VALUE"),
        ("train..epochs=3", "write it as KEY=VALUE"),
        ("name=", "write it as KEY=VALUE"),
        ("optimizer.betas=[0.5", "is no TOML value"),
        ('name="x', "is no TOML value"),
        ("seed=1\nname = 2", "it sets several keys"),
        ("seed.x=3", "'seed' is no table in this spec"),
    ],
)
def test_a_setting_that_cannot_be_applied_is_refused(
    setting: str, said: str, write: Any, minimal: str
) -> None:
    with pytest.raises(UsageError, match=r"^--set ") as caught:
        load(write("seed = 1\n" + minimal), settings=[setting])
    assert said in str(caught.value)


def test_settings_leave_the_given_table_alone() -> None:
    table: dict[str, Any] = {"data": {"type": "seasons"}, "losses": {"cycle": {"weight": 1}}}
    load(table, settings=["losses.cycle.weight=2"])
    assert table["losses"]["cycle"]["weight"] == 1


# ---- one-file plugins


def test_a_plugin_is_found_beside_the_spec(write: Any, minimal: str, tmp_path: Path) -> None:
    folder = tmp_path / "specs"
    folder.mkdir()
    (folder / "edge.py").write_text(EDGE)
    path = folder / "with_edge.toml"
    path.write_text('plugins = ["edge.py"]\n' + minimal + "[losses.edge]\n")
    loaded = load(path)
    assert loaded.run.losses["edge"].component.name == "edge"
    [origin] = loaded.registry.file_plugins()
    assert origin.file == folder / "edge.py"


def test_two_plugins_of_one_spec_both_load(write: Any, minimal: str) -> None:
    Path("edge.py").write_text(EDGE)
    Path("glow.py").write_text(EDGE.replace("edge", "glow"))
    text = 'plugins = ["edge.py"]\n' + minimal + "[losses.edge]\n[losses.glow]\n"
    loaded = load(write(text), plugins=[Path("glow.py")])
    assert {"edge", "glow"} <= loaded.run.losses.keys()


def test_a_broken_plugin_is_told_at_the_line_that_names_it(mistakes: Any, minimal: str) -> None:
    Path("edge.py").write_text("import gantrans\n1 / 0\n")
    found = mistakes('seed = 1\nplugins = ["edge.py", "gone.py"]\n' + minimal + "[losses.edge]\n")
    assert found[0] == (
        "spec.toml:2: plugins: 'edge.py': ZeroDivisionError: division by zero (line 2)"
    )
    assert found[1].startswith("spec.toml:2: plugins: 'gone.py': there is no file ")
    assert found[2].startswith("spec.toml:10: losses.edge: no loss is called 'edge'")


def test_a_broken_plugin_stops_a_spec_that_is_right_otherwise(mistakes: Any, minimal: str) -> None:
    assert len(mistakes('plugins = ["gone.py"]\n' + minimal)) == 1


def test_a_plugin_from_the_command_line_is_told_as_such(mistakes: Any, minimal: str) -> None:
    [problem] = mistakes(minimal, plugins=("gone.py",))
    assert problem.startswith("--plugin gone.py: there is no file ")


def test_plugins_of_a_wrong_type_are_a_mistake_and_not_run(mistakes: Any, minimal: str) -> None:
    assert mistakes('plugins = "edge.py"\n' + minimal) == [
        "spec.toml:1: plugins: must be a list; found 'edge.py'"
    ]
    assert mistakes("plugins = [3]\n" + minimal) == [
        "spec.toml:1: plugins.0: must be text in quotes; found 3"
    ]


def test_a_table_from_python_is_a_spec_too() -> None:
    with pytest.raises(SpecError, match=r"^spec: losses\.cycle\.wieght: unknown key"):
        load({"data": "seasons", "losses": {"cycle": {"wieght": 1}}})
