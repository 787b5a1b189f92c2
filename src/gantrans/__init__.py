"""Unpaired image-to-image translation: validated specs, plugins, exact resume, safe checkpoints.

Importing gantrans imports no torch: the public names are loaded when first asked for (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:  # what type checkers and editors see; _HOME says the same at run time
    from gantrans.api.component import Component as Component
    from gantrans.api.component import ComponentConfig as ComponentConfig
    from gantrans.api.component import ComponentRef as ComponentRef
    from gantrans.api.dataset import Dataset as Dataset
    from gantrans.api.dataset import DatasetConfig as DatasetConfig
    from gantrans.api.dataset import ImageSource as ImageSource
    from gantrans.api.discriminator import Discriminator as Discriminator
    from gantrans.api.discriminator import DiscriminatorConfig as DiscriminatorConfig
    from gantrans.api.generator import Generator as Generator
    from gantrans.api.generator import GeneratorConfig as GeneratorConfig
    from gantrans.api.loss import Loss as Loss
    from gantrans.api.loss import LossConfig as LossConfig
    from gantrans.api.method import Method as Method
    from gantrans.api.method import MethodConfig as MethodConfig
    from gantrans.api.metric import Metric as Metric
    from gantrans.api.metric import MetricConfig as MetricConfig
    from gantrans.api.normalizer import Normalizer as Normalizer
    from gantrans.api.normalizer import NormalizerConfig as NormalizerConfig
    from gantrans.api.normalizer import NormalizerSlot as NormalizerSlot
    from gantrans.api.step import TranslationStep as TranslationStep
    from gantrans.api.tracker import Tracker as Tracker
    from gantrans.api.tracker import TrackerConfig as TrackerConfig
    from gantrans.api.version import API_VERSION as API_VERSION
    from gantrans.errors import GantransError as GantransError
    from gantrans.inference.translator import Translator as Translator
    from gantrans.inference.translator import load as load
    from gantrans.plugin.hookspecs import hookimpl as hookimpl
    from gantrans.plugin.manager import load_registry as load_registry
    from gantrans.training.session import RunResult as RunResult
    from gantrans.training.session import run as run

_HOME = {
    "Component": "api.component",
    "ComponentConfig": "api.component",
    "ComponentRef": "api.component",
    "Dataset": "api.dataset",
    "DatasetConfig": "api.dataset",
    "ImageSource": "api.dataset",
    "Discriminator": "api.discriminator",
    "DiscriminatorConfig": "api.discriminator",
    "Generator": "api.generator",
    "GeneratorConfig": "api.generator",
    "Loss": "api.loss",
    "LossConfig": "api.loss",
    "Method": "api.method",
    "MethodConfig": "api.method",
    "Metric": "api.metric",
    "MetricConfig": "api.metric",
    "Normalizer": "api.normalizer",
    "NormalizerConfig": "api.normalizer",
    "NormalizerSlot": "api.normalizer",
    "TranslationStep": "api.step",
    "Tracker": "api.tracker",
    "TrackerConfig": "api.tracker",
    "API_VERSION": "api.version",
    "GantransError": "errors",
    "Translator": "inference.translator",
    "load": "inference.translator",
    "hookimpl": "plugin.hookspecs",
    "load_registry": "plugin.manager",
    "RunResult": "training.session",
    "run": "training.session",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*_HOME, "__version__"])
