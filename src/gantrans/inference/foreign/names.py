"""What the names of other projects' files say: whose they are, and which network is in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Project = Literal["junyanz", "cut", "aitorzip", "uvcgan2"]
Role = Literal["generator_ab", "generator_ba", "discriminator_a", "discriminator_b"]
Direction = Literal["ab", "ba"]

REPOSITORIES: dict[Project, str] = {
    "junyanz": "junyanz/pytorch-CycleGAN-and-pix2pix",
    "cut": "taesungp/contrastive-unpaired-translation",
    "aitorzip": "aitorzip/PyTorch-CycleGAN",
    "uvcgan2": "LS4GAN/uvcgan2",
}

SUFFIXES = (".pth", ".pt")


@dataclass(frozen=True)
class Named:
    """What a file's name says.

    Args:
        project: whose file it is; CUT's repository has the names of junyanz's.
        role: the network; None if it is one that translates and judges nothing.
        averaged: whether it is the running mean of another file's weights.
    """

    project: Project
    role: Role | None
    averaged: bool = False


# The trap: a discriminator of junyanz's is named after the generator that it judges, so D_A judges
# images of domain B. aitorzip's and uvcgan2's are named after the domain.
_NAMES: dict[str, Named] = {
    "net_G_A": Named("junyanz", "generator_ab"),
    "net_G_B": Named("junyanz", "generator_ba"),
    "net_D_A": Named("junyanz", "discriminator_b"),
    "net_D_B": Named("junyanz", "discriminator_a"),
    "net_F": Named("cut", None),
    "netG_A2B": Named("aitorzip", "generator_ab"),
    "netG_B2A": Named("aitorzip", "generator_ba"),
    "netD_A": Named("aitorzip", "discriminator_a"),
    "netD_B": Named("aitorzip", "discriminator_b"),
    "net_gen_ab": Named("uvcgan2", "generator_ab"),
    "net_gen_ba": Named("uvcgan2", "generator_ba"),
    "net_avg_gen_ab": Named("uvcgan2", "generator_ab", averaged=True),
    "net_avg_gen_ba": Named("uvcgan2", "generator_ba", averaged=True),
    "net_disc_a": Named("uvcgan2", "discriminator_a"),
    "net_disc_b": Named("uvcgan2", "discriminator_b"),
}
_ONE_WAY: dict[str, dict[Direction, Role]] = {
    "net_G": {"ab": "generator_ab", "ba": "generator_ba"},
    "net_D": {"ab": "discriminator_b", "ba": "discriminator_a"},
}


def named(path: Path, direction: Direction) -> Named | None:
    """What the name of a file says, whatever epoch is in front; None if it says nothing.

    Args:
        path: such as `latest_net_G_A.pth`.
        direction: of a model with one generator, which is called `net_G`.
    """
    if path.suffix not in SUFFIXES:
        return None
    for ending, roles in _ONE_WAY.items():
        if _ends(path, ending):
            return Named("junyanz", roles[direction])
    return next((found for ending, found in _NAMES.items() if _ends(path, ending)), None)


def _ends(path: Path, ending: str) -> bool:
    return path.stem == ending or path.stem.endswith(f"_{ending}")
