from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from gantrans.errors import DataError, SpecError
from tiny_run import tiny_job, whole_sample

PLUGIN = '''
import gantrans

class Idle(gantrans.Loss):
    """Overrides nothing."""
    name = "idle"

class Needy(gantrans.Loss):
    """Reads what no CycleGAN has."""
    name = "needy"
    requires = {"features"}

    def generator(self, step):
        return step.fake["b"].mean()
'''


@pytest.fixture
def root(tmp_path: Path) -> str:
    for name in ("trainA", "trainB"):
        (tmp_path / name).mkdir()
        for index in range(2):
            Image.new("RGB", (30, 30)).save(tmp_path / name / f"{index}.png")
    return str(tmp_path)


def folders(root: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "unpaired_folder",
        "root": root,
        "size": None,
        "train": None,
        "test": None,
    } | more


def test_every_contradiction_is_named_at_once(tmp_path: Path, root: str) -> None:
    plugin = tmp_path / "plugin.py"
    plugin.write_text(PLUGIN)
    channels = {"a": 3, "b": 1}
    with pytest.raises(SpecError) as caught:
        tiny_job(
            plugins=[str(plugin)],
            losses={"idle": {}, "needy": {}},
            data=folders(root, channels=channels, transform={"resize": 4, "crop": 6}),
        )
    said = "\n".join(sorted(caught.value.problems))
    for what in (
        "losses.identity: identity needs equal channels in both domains, but a has 3 and b 1",
        "losses.idle: idle overrides neither generator nor discriminator",
        "losses.needy: it requires 'features', which the method 'cyclegan' lacks "
        "(it has cycle, fake, identity, source, truth)",
        "data.transform.crop: larger than resize = 4",
        "data.transform.crop: 6 is no multiple of 4",
        "data.transform.crop: 6 px are too few for the generator 'resnet', which needs 8",
        "data.transform.crop: 6 px are too few for the discriminator 'patchgan', which needs 12",
    ):
        assert what in said
    assert len(caught.value.problems) == 7


GRAY_WINTERS = '''
from gantrans.builtins.datasets.seasons import Seasons

class GrayWinters(Seasons):
    """Seasons whose winters are gray."""
    name = "gray_winters"

    def channels(self, domain):
        return 3 if domain == "a" else 1
'''
COMPARISONS = {
    "l1": {"type": "l1"},
    **{
        compare: {"type": "ssim", "compare": compare}
        for compare in ("cycle", "identity", "source", "truth")
    },
}
UNPAIRED = (
    "it compares translations with the truth, and the training data of 'gray_winters' is not "
    "paired: remove this loss, or use paired data"
)
UNEQUAL = "{} needs equal channels in both domains, but a has 3 and b 1: remove this loss"


@pytest.mark.parametrize(
    ("pairs", "refused"),
    [
        (
            False,
            {
                "identity": UNEQUAL.format("identity"),
                "source": UNEQUAL.format("source"),
                "truth": UNPAIRED,
                "l1": UNPAIRED,
            },
        ),
        (True, {"identity": UNEQUAL.format("identity"), "source": UNEQUAL.format("source")}),
    ],
    ids=["unpaired", "paired"],
)
def test_what_a_loss_compares_must_be_there_and_comparable(
    pairs: bool, refused: dict[str, str], tmp_path: Path
) -> None:
    """Each comparison, of a summer in colour and a gray winter."""
    (tmp_path / "gray_winters.py").write_text(GRAY_WINTERS)
    losses = {**COMPARISONS, "adversarial": None, "cycle": {"type": "ssim"}}
    with pytest.raises(SpecError) as caught:
        tiny_job(
            plugins=[str(tmp_path / "gray_winters.py")],
            data={"type": "gray_winters", "pairs": pairs},
            losses=losses,
        )
    assert {problem.partition("losses.")[2] for problem in caught.value.problems} == {
        f"{name}: {what}" for name, what in refused.items()
    }


def test_images_that_the_networks_cannot_take_are_named_before_the_first_step(root: str) -> None:
    with pytest.raises(DataError) as caught:
        tiny_job(data=folders(root))
    said = str(caught.value)
    assert "trainA/0.png is 30 x 30 pixels after the transform, no multiple of 4" in said
    assert "set data.transform.crop" in said
    with pytest.raises(DataError) as caught:
        tiny_job(data=folders(root, transform={"resize": 8}))
    said = str(caught.value)
    assert "trainA/0.png is 8 x 8 pixels after the transform, too small for the discrimin" in said
    assert "needs 12" in said


@pytest.mark.parametrize(
    ("train", "steps_per_epoch"),
    [
        ({"batch_size": 1}, 7),
        ({"batch_size": 2}, 4),  # the last one is filled up
        ({"batch_size": 2, "accumulate": 2}, 2),
        ({"batch_size": 7}, 1),
        ({"batch_size": 4, "accumulate": 2}, 1),
    ],
)
def test_an_epoch_has_as_many_steps_as_show_every_image(
    train: dict[str, int], steps_per_epoch: int
) -> None:
    job = tiny_job(data={"train": 7}, train={"epochs": 3, **train})
    assert job.steps_per_epoch == steps_per_epoch
    assert job.steps == 3 * steps_per_epoch


@pytest.mark.parametrize(
    ("data", "train", "steps_per_epoch"),
    [
        ({"train": 7, "repeat": 1}, {"batch_size": 1}, 7),
        ({"train": 7, "repeat": 3}, {"batch_size": 1}, 21),
        ({"train": 7, "repeat": 3}, {"batch_size": 2}, 11),  # 21 visits, the last step filled up
        ({"train": 1, "repeat": 100}, {"batch_size": 4, "accumulate": 2}, 13),
    ],
)
def test_an_epoch_visits_every_image_as_often_as_the_data_says(
    data: dict[str, int], train: dict[str, int], steps_per_epoch: int
) -> None:
    job = tiny_job(data=data, train={"epochs": 2, **train})
    images = steps_per_epoch * train["batch_size"] * train.get("accumulate", 1)
    assert job.samples.epoch_size == images
    assert job.steps_per_epoch == steps_per_epoch
    assert job.steps == 2 * steps_per_epoch


def test_repeated_visits_show_every_image_equally_often_and_cut_it_elsewhere() -> None:
    job = tiny_job(
        data={"size": 48, "train": 2, "repeat": 3, "transform": {"crop": 32, "flip": False}},
        metrics={},
    )
    samples = [whole_sample(job, n) for n in range(6)]
    for domain in "ab":
        seen = [labels[domain] for _, labels in samples]
        assert sorted(seen) == 3 * ["train-0000"] + 3 * ["train-0001"]
        cuts = {images[domain].numpy().tobytes() for images, _ in samples}
        assert len(cuts) == 6


def test_each_network_knows_what_it_reads_and_writes(root: str) -> None:
    job = tiny_job(
        losses={"identity": None},
        data=folders(root, channels={"a": 3, "b": 1}, transform={"crop": 16}),
    )
    ends = {name: (e.source, e.target) for name, e in job.ends.items()}
    assert ends == {
        "generator_ab": ("a", "b"),
        "generator_ba": ("b", "a"),
        "discriminator_a": (None, "a"),
        "discriminator_b": (None, "b"),
    }
    channels = {
        n: (m.in_channels, getattr(m, "out_channels", None)) for n, m in job.method.networks.items()
    }
    assert channels == {
        "generator_ab": (3, 1),
        "generator_ba": (1, 3),
        "discriminator_a": (3, None),
        "discriminator_b": (1, None),
    }


def test_a_batch_larger_than_an_epoch_is_refused() -> None:
    with pytest.raises(SpecError, match=r"train\.batch_size: more than the 7 images"):
        tiny_job(data={"train": 7}, train={"batch_size": 100_000})
    assert tiny_job(data={"train": 7, "repeat": 2}, train={"batch_size": 14}).steps_per_epoch == 1


def test_a_step_whose_images_alone_exceed_the_memory_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Of both domains three channels of 32 x 32 pixels, as bytes and as float32.
    taken = 2 * 3 * 32 * 32 * (1 + 4) * 6
    train = {"batch_size": 3, "accumulate": 2}
    monkeypatch.setattr("gantrans.inference.memory.room", lambda: taken - 1)
    with pytest.raises(SpecError, match=r"train\.batch_size"):
        tiny_job(train=train)
    monkeypatch.setattr("gantrans.inference.memory.room", lambda: taken)
    assert tiny_job(train=train).images_per_step == 6
    monkeypatch.setattr("gantrans.inference.memory.room", lambda: None)  # not known
    assert tiny_job(train=train).images_per_step == 6
