"""What is to be looked at: the splits and domains of a spec's data set, or of a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from gantrans.api.dataset import Dataset, ImageSource, Split
from gantrans.api.folder_dataset import FolderSource
from gantrans.api.folders import any_domains, contents, standard_domains, standard_splits
from gantrans.api.transform import DomainTransform
from gantrans.data_check.facts import Collection, Group, ImageFacts
from gantrans.data_check.reading import Images, Told, read_all
from gantrans.errors import DataError
from gantrans.plugin.carried import FilePlugins

if TYPE_CHECKING:
    from gantrans.api.step import Domain
    from gantrans.spec.load import LoadedSpec

SPLITS: tuple[Split, ...] = get_args(Split)


@dataclass(frozen=True)
class Part:
    """One split of one domain: see `Group`."""

    split: Split
    domain: Domain
    name: str
    source: ImageSource
    transform: DomainTransform | None = None
    channels: int = 3

    def group(self, images: Sequence[ImageFacts], *, others: bool = True) -> Group:
        """What was found of it; if `others`, of files that are no images too."""
        return Group(
            self.split,
            self.domain,
            self.name,
            len(self.source),
            images,
            self.transform,
            self.channels,
            self._ignored() if others else {},
        )

    def _ignored(self) -> Mapping[str, int]:
        source = self.source
        if not isinstance(source, FolderSource) or not source.paths:
            return {}
        return contents(source.folder, source.files.suffixes).others


@dataclass(frozen=True)
class Plan:
    """A data set, before it is looked at.

    Args:
        name: what to call it.
        dataset: the component that reads it, or "folder".
        parts: its splits and domains.
        paired: splits in which image i of both domains belong together.
        repeat: how often training visits each image in an epoch.
        plugins: what a reading process must know.
    """

    name: str
    dataset: str
    parts: Sequence[Part]
    paired: frozenset[Split] = frozenset()
    repeat: int = 1
    plugins: FilePlugins = field(default_factory=FilePlugins)

    @property
    def total(self) -> int:
        """Images that there are."""
        return sum(len(part.source) for part in self.parts)

    def look(
        self,
        workers: int,
        told: Told = lambda count: None,
        needs: tuple[int, int] = (1, 1),
    ) -> Collection:
        """Read every image; see `read_all`.

        Args:
            workers: processes that read.
            told: called with the number of images that were read since the last time.
            needs: of the networks: pixels of each side, and of what each has to be a multiple.
        """
        images = [
            Images(self.plugins, part.source, part.transform, part.channels) for part in self.parts
        ]
        found = read_all(images, workers, told)
        groups = [part.group(facts) for part, facts in zip(self.parts, found, strict=True)]
        return Collection(groups, self.paired, self.repeat, *needs)


def of_spec(loaded: LoadedSpec) -> Plan:
    """The data of a spec. Raises DataError if what it names is not there."""
    dataset: Dataset = loaded.run.data.build(base_dir=loaded.source.base_dir)
    train = {domain: dataset.source("train", domain) for domain in loaded.run.method.domains}
    return of_dataset(loaded, dataset, train)


def of_dataset(loaded: LoadedSpec, dataset: Dataset, train: Mapping[Domain, ImageSource]) -> Plan:
    """The same of a data set that is built, whose training images are found already."""
    run, own = loaded.run, loaded.registry.file_plugins()
    parts = [
        Part(
            split,
            domain,
            getattr(run.domains, domain),
            train[domain] if split == "train" else dataset.source(split, domain),
            run.data.transform.of(domain),
            dataset.channels(domain),
        )
        for split in SPLITS
        for domain in train
    ]
    return Plan(
        run.name,
        dataset.name,
        parts,
        frozenset(split for split in SPLITS if dataset.paired(split)),
        run.data.repeat,
        FilePlugins(tuple(origin.file for origin in own if origin.file)),
    )


def of_folder(directory: Path) -> Plan:
    """Two domains, found as `gantrans init` finds them; or one, where there are no two.

    Raises DataError if there is no image, or a folder must not be read.
    """
    found = standard_domains(directory) or any_domains(directory)
    places: dict[tuple[Split, Domain], tuple[str, Path | None]] = {}
    if found is not None:
        both: tuple[Domain, Domain] = ("a", "b")
        for domain, folders in zip(both, found, strict=True):
            places["train", domain] = folders.name, folders.train
            places["test", domain] = folders.name, folders.test
    else:
        name = directory.absolute().name or "images"
        train, test = standard_splits(directory) or (directory, None)
        places = {("train", "a"): (name, train), ("test", "a"): (name, test)}
    parts = [
        Part(split, domain, name, _files(folder))
        for (split, domain), (name, folder) in sorted(
            places.items(), key=lambda place: SPLITS.index(place[0][0])
        )
    ]
    if not any(len(part.source) for part in parts):
        raise DataError(f"no images in {directory}: found {contents(directory)}")
    return Plan(directory.absolute().name, "folder", parts)


def _files(folder: Path | None) -> FolderSource:
    if folder is None:
        return FolderSource(Path(), Path(), ())
    return FolderSource(folder, folder, contents(folder).images)
