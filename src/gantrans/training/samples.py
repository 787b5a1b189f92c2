"""Sample grids: what the generators make of some images, there and back, and a method's sheets."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from PIL import Image
from torch import Tensor, nn

from gantrans.api.generator import Generator
from gantrans.api.step import ENDS, Direction, Domain
from gantrans.inference.padding import run_padded
from gantrans.training.assemble import Job
from gantrans.training.batch import LoadedBatch
from gantrans.training.evaluation_images import evaluation_image
from gantrans.training.grid import Block, grid
from gantrans.training.in_use import in_use


def some_images(job: Job, domain: Domain, most: int) -> list[Tensor]:
    """At most so many of a domain, (C, H, W) in [-1, 1], the same ones whenever asked.

    They are taken evenly from the test split, or from the training split where there is no other.
    """
    source = job.dataset.source("test", domain)
    if not len(source):
        source = job.samples.sources[domain]
    count = min(most, len(source))
    chosen = [n * len(source) // count for n in range(count)]
    return [evaluation_image(job.dataset, source, domain, i) for i in chosen]


class SampleImages:
    """A few images of each domain that is translated, the same ones at every look.

    Args:
        job: the run; `train.samples` says how many.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        domains = {ENDS[direction][0] for direction in job.method.generators}
        self.images = {d: some_images(job, d, job.spec.train.samples) for d in domains}

    def picture(
        self, generators: Mapping[Direction, Generator], networks: Mapping[str, nn.Module]
    ) -> Image.Image:
        """A block of rows for each direction: summer -> winter -> summer; then the sheets.

        Args:
            generators: those that translate, as one would use them.
            networks: all of the method's, as one would use them.
        """
        with in_use([*generators.values(), *networks.values()]):
            blocks = [self._block(direction, generators) for direction in generators]
            sheets = self.job.method.sheets(networks, self.job.spec.train.samples)
            return grid([*blocks, *(_sheet(*sheet) for sheet in sheets.items())])

    def _block(self, direction: Direction, generators: Mapping[Direction, Generator]) -> Block:
        source, target = ENDS[direction]
        names = self.job.spec.domains.model_dump()
        columns, passes = [names[source], names[target]], [generators[direction]]
        for way_back, ends in ENDS.items():
            if ends == (target, source) and way_back in generators:
                columns.append(names[source])
                passes.append(generators[way_back])
        rows = []
        for image in self.images[source]:
            row = [image[None].to(self.job.device)]
            for generator in passes:
                row.append(run_padded(generator, row[-1]))
            rows.append([shown[0] for shown in row])
        return Block(" -> ".join(columns), columns, rows)


def batch_picture(job: Job, batch: LoadedBatch) -> Image.Image:
    """What training sees: a row of images for each domain."""
    names = job.spec.domains.model_dump()
    seen = batch.on(torch.device("cpu"))
    return grid([Block(names[domain], [], [list(images)]) for domain, images in seen.items()])


def _sheet(heading: str, images: Tensor) -> Block:
    """As many columns as rows, or a few more."""
    across = math.ceil(math.sqrt(len(images)))
    return Block(heading, [], [list(row) for row in torch.split(images, across)])
