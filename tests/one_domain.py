"""A one-file plugin: a method that makes images of one domain from noise; data without another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

PLUGIN = '''
from typing import Literal

import torch
from pydantic import Field
from torch import nn

import gantrans
from gantrans.api.method import Phase, PhaseResult


class Sampler(gantrans.Method):
    """Makes images of one domain from noise, with a network of its own."""

    name = "sampler"
    provides = {"fake"}

    class Config(gantrans.MethodConfig):
        """Settings."""

        domain: Literal["a", "b"] = Field("b", description="whose images it makes")
        width: int = Field(4, ge=1, description="numbers that an image is made from")

        @property
        def domains(self):
            """The one."""
            return (self.domain,)

    def __init__(self, config, *, parts):
        super().__init__(config, parts=parts)
        channels = parts.channels[config.domain]
        self.maker = nn.Sequential(
            nn.Linear(config.width, channels * 32 * 32),
            nn.Tanh(),
            nn.Unflatten(1, (channels, 32, 32)),
        )
        self.judge = parts.make_discriminator("judge", config.domain)
        self.networks = {"maker": self.maker, "judge": self.judge}
        self.generators = {}
        self.phases = [Make(self), Judge(self)]

    @property
    def averaged(self):
        return ["maker"]

    def sheets(self, networks, count):
        z = torch.linspace(-1, 1, count)[:, None].expand(-1, self.config.width)
        return {"made": networks["maker"](z)}


class Make(Phase):
    def __init__(self, method):
        super().__init__("maker", {"maker": method.maker})
        self.method = method.__dict__

    def forward(self, batch):
        config, domain = self.method["config"], self.method["config"].domain
        fake = self.method["maker"](torch.randn(len(batch.real[domain]), config.width))
        step = gantrans.TranslationStep(
            {"real": batch.real, "fake": {domain: fake}}, {domain: self.method["judge"]}
        )
        losses = self.method["parts"].losses
        return PhaseResult(
            losses.terms("generator", step, batch.active), fake={domain: fake.detach()}
        )


class Judge(Phase):
    def __init__(self, method):
        super().__init__("judge", {"judge": method.judge})
        self.method = method.__dict__

    def forward(self, batch):
        domain = self.method["config"].domain
        step = gantrans.TranslationStep(
            {"real": batch.real, "fake": batch.fake}, {domain: self.method["judge"]}
        )
        return PhaseResult(self.method["parts"].losses.terms("discriminator", step, batch.active))


class Shades(gantrans.ImageSource):
    def __len__(self):
        return 3

    def image(self, index):
        return torch.full((3, 32, 32), index / 3)

    def label(self, index):
        return f"shade-{index}"


class OneSided(gantrans.Dataset):
    """Images of one domain; whoever asks for the other is refused."""

    name = "one_sided"

    class Config(gantrans.DatasetConfig):
        """Settings."""

        has: Literal["a", "b"] = Field("b", description="the domain whose images there are")

    def source(self, split, domain):
        if domain != self.config.has:
            raise AssertionError(f"nobody needs images of {domain}")
        return Shades()

    def channels(self, domain):
        return 3
'''


def spec(folder: Path, **changes: Any) -> dict[str, Any]:
    """A spec that trains it on the only domain there is; the plugin is written into `folder`."""
    plugin = folder / "one_domain_plugin.py"
    plugin.write_text(PLUGIN)
    return {
        "plugins": [str(plugin)],
        "method": {"type": "sampler"},
        "data": {"type": "one_sided", "workers": 0},
        "discriminator": {"type": "patchgan", "width": 4, "layers": 2},
        "losses": {"adversarial": {"objective": "vanilla"}},
        "train": {"epochs": 2},
        **changes,
    }
