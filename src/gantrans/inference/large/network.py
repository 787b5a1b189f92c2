"""A generator as a graph of layers, cut at its normalisations."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.export.graph_signature import InputKind
from torch.fx import Node

from gantrans.api.generator import Generator
from gantrans.errors import UsageError
from gantrans.inference.large.in_place import write_nowhere
from gantrans.inference.large.moments import Moments
from gantrans.inference.large.nodes import NotCuttableError, arguments_of, kind_of, shape_of
from gantrans.inference.large.operations import Channels, Known, Normalisation, Operation
from gantrans.inference.large.recognise import recognised

CHECKS = ("_assert_tensor_metadata",)
"""What an exported graph has beside layers."""

PARTS = ("chunk", "split", "split_with_sizes", "tensor_split")
"""Layers that give channels apart, as a list."""


@dataclass(frozen=True)
class Network:
    """A generator for images of one size.

    Args:
        image: the node that stands for the image.
        operations: of every other map that is computed, in order.
        small: of the other values that depend on the image, in order, such as a channel's weight
            from the mean of the whole picture.
        measured: the maps whose statistics are needed.
        output: the map that is the result.
        values: weights, and what depends on them alone.
    """

    image: Node
    operations: Mapping[Node, Operation]
    small: Mapping[Node, Node | None]
    measured: frozenset[Node]
    output: Node
    values: Mapping[Node, Any]

    def settle(self, known: Known) -> None:
        """Compute the small values that can be by now."""
        for node, of in self.small.items():
            inputs = node.all_input_nodes
            if node in known.values:
                continue
            if of is not None:
                if of in known.moments:
                    known.values[node] = _reduced(node, known.moments[of])
            elif all(n in known.values for n in inputs):
                assert callable(node.target)
                args, kwargs = known.of((node.args, node.kwargs))
                known.values[node] = node.target(*args, **kwargs)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.operations)


def captured(generator: Generator, height: int, width: int) -> Network:
    """The graph of a generator, for images of that size; no image is computed for it.

    Raises:
        UsageError: if it has a layer that cannot be computed tile by tile, naming it.
    """
    graph, values, image = _exported(generator, height, width)
    operations: dict[Node, Operation] = {}
    small: dict[Node, Node | None] = {}
    try:
        write_nowhere(graph)
    except NotCuttableError as reason:
        raise UsageError(_cannot(generator, reason)) from None
    maps, measured = {image}, set[Node]()
    image.meta["is_map"] = True
    parted: dict[Node, Node] = {}
    for node in graph.nodes:
        if node.op != "call_function" or kind_of(node) in CHECKS:
            continue
        read = [n for n in dict.fromkeys(node.all_input_nodes) if n in maps]
        of = parted.get(node.all_input_nodes[0]) if node.all_input_nodes else None
        if not read and of is None:
            if any(n in small for n in node.all_input_nodes):
                small[node] = None
            else:
                args, kwargs = Known(values).of((node.args, node.kwargs))
                values[node] = node.target(*args, **kwargs)
            continue
        if read and _is_reduction(node):
            small[node] = read[0]
            measured.add(read[0])
            continue
        if read and kind_of(node) in PARTS and arguments_of(node)["dim"] in (1, -3):
            parted[node] = read[0]
            continue
        try:
            shape = shape_of(node)
            if shape is None or len(shape) != 4 or shape[0] != 1:
                raise NotCuttableError("it makes something other than a picture")
            operation = recognised(node, read) if of is None else Channels.part(node, of)
        except NotCuttableError as reason:
            reason.node = node
            raise UsageError(_cannot(generator, reason)) from None
        operations[node] = operation
        if isinstance(operation, Normalisation):
            measured.add(operation.maps[0])
        node.meta["is_map"] = True
        maps.add(node)
    [[output]] = [node.args[0] for node in graph.nodes if node.op == "output"]
    wanted = (1, generator.out_channels, height, width)
    if output not in operations or shape_of(output) != wanted:
        raise UsageError(
            f"the generator {generator.name!r} cannot be run in pieces: its result is no picture "
            "of the size and channels that it should have"
        )
    return Network(image, operations, small, frozenset(measured), output, values)


class _Forward(nn.Module):
    """The generator without what `compile` made of it."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, x: Tensor) -> Any:
        return self.generator.forward(x)


def _exported(
    generator: Generator, height: int, width: int
) -> tuple[torch.fx.Graph, dict[Node, Any], Node]:
    """The graph, the weights by node, and the image's node."""
    device = next((p.device for p in generator.parameters()), torch.device("cpu"))
    # One number, seen as a whole image: exporting looks at shapes only.
    x = torch.zeros(1, device=device).expand(1, generator.in_channels, height, width)
    try:
        with (
            torch.no_grad(),
            torch.autocast(device.type, enabled=False),  # whoever runs the layers chooses
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            program = torch.export.export(_Forward(generator), (x,), strict=False)
    except Exception as error:  # anyone's network
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise UsageError(
            f"the generator {generator.name!r} cannot be run in pieces: torch.export does not "
            f"understand it ({reason})"
        ) from error
    values: dict[Node, Any] = {}
    nodes = {node.name: node for node in program.graph.nodes}
    image = None
    for spec in program.graph_signature.input_specs:
        node = nodes[spec.arg.name]
        if spec.kind is InputKind.USER_INPUT:
            image = node
            continue
        assert spec.target is not None
        kept = program.state_dict if spec.target in program.state_dict else program.constants
        values[node] = kept[spec.target]
    assert image is not None
    return program.graph, values, image


def _is_reduction(node: Node) -> bool:
    """Whether it is a statistic of each channel of the whole picture."""
    kind, given = kind_of(node), arguments_of(node)
    if kind == "adaptive_avg_pool2d":
        return list(given["output_size"]) == [1, 1]
    dims = given.get("dim")
    if kind not in ("mean", "var", "std", "amin", "amax") or not isinstance(dims, list | tuple):
        return False
    return sorted(d % 4 for d in dims) == [2, 3]


def _reduced(node: Node, moments: Moments) -> Tensor:
    """What such a node gives."""
    kind, given = kind_of(node), arguments_of(node)
    value: Tensor = node.meta["val"]
    made = {"amin": moments.low, "amax": moments.high}.get(kind, moments.mean)
    if kind in ("var", "std"):
        correction = given.get("correction", given.get("unbiased", True))
        made = moments.squares / (moments.count - (1 if correction is None else float(correction)))
        made = made.sqrt() if kind == "std" else made
    return made.to(value.dtype).to(value.device).view(value.shape)


def _cannot(generator: Generator, reason: NotCuttableError) -> str:
    node = reason.node
    assert node is not None
    modules = list((node.meta.get("nn_module_stack") or {}).values())
    where = str(modules[-1][0]).removeprefix("generator.") if modules else ""
    layer = getattr(getattr(node.target, "overloadpacket", None), "__name__", str(node.target))
    place = f" of its part {where}" if where else ""
    return (
        f"the generator {generator.name!r} cannot be run in pieces: {reason} (the layer "
        f"{layer}{place}); convolutions, padding, sampling, sums, activations and normalisations "
        "can be"
    )
