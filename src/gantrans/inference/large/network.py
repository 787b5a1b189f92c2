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
from gantrans.inference.large.moments import Moments
from gantrans.inference.large.nodes import shape_of
from gantrans.inference.large.operations import Known, Normalisation, Operation
from gantrans.inference.large.recognise import NotCuttableError, recognised


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
    _write_nowhere(graph)
    maps, measured = {image}, set[Node]()
    image.meta["is_map"] = True
    for node in graph.nodes:
        if node.op != "call_function":
            continue
        read = [n for n in dict.fromkeys(node.all_input_nodes) if n in maps]
        if not read:
            if any(n in small for n in node.all_input_nodes):
                small[node] = None
            else:
                args, kwargs = Known(values).of((node.args, node.kwargs))
                values[node] = node.target(*args, **kwargs)
            continue
        if _is_reduction(node):
            small[node] = read[0]
            measured.add(read[0])
            continue
        try:
            shape = shape_of(node)
            if shape is None or len(shape) != 4 or shape[0] != 1:
                raise NotCuttableError("it makes something other than a picture")
            operations[node] = operation = recognised(node, read)
        except NotCuttableError as reason:
            raise UsageError(_cannot(generator, node, str(reason))) from None
        if isinstance(operation, Normalisation):
            measured.add(operation.maps[0])
        node.meta["is_map"] = True
        maps.add(node)
    [[output]] = [node.args[0] for node in graph.nodes if node.op == "output"]
    if output not in operations:
        raise UsageError(
            f"the generator {generator.name!r} cannot be run in pieces: its result is no picture"
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
        with torch.no_grad(), warnings.catch_warnings():
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


def _write_nowhere(graph: torch.fx.Graph) -> None:
    """Let layers that write into what they read (`relu_`) give something new instead."""
    for node in graph.nodes:
        target = node.target
        if not isinstance(target, torch._ops.OpOverload) or not target._schema.is_mutable:
            continue
        name = target.overloadpacket.__name__
        packet = getattr(torch.ops.aten, name.removesuffix("_"), None)
        if not name.endswith("_") or not hasattr(packet, target._overloadname):
            continue  # it is refused as a layer that is not known
        [written, *_] = node.args
        node.target = getattr(packet, target._overloadname)
        later = False
        for user in list(graph.nodes):  # who reads it afterwards reads what was written
            if later and written in user.all_input_nodes:
                user.replace_input_with(written, node)
            later = later or user is node


def _is_reduction(node: Node) -> bool:
    """Whether it is the mean, or the like, of each channel of the whole picture."""
    packet = getattr(node.target, "overloadpacket", None)
    shape = shape_of(node.all_input_nodes[0])
    if packet is torch.ops.aten.adaptive_avg_pool2d:
        return list(node.args[1]) == [1, 1]  # type: ignore[arg-type]
    if packet not in (torch.ops.aten.mean, torch.ops.aten.var, torch.ops.aten.std):
        return False
    dims = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
    if shape is None or not isinstance(dims, list | tuple):
        return False
    return sorted(d % 4 for d in dims if isinstance(d, int)) == [2, 3]


def _reduced(node: Node, moments: Moments) -> Tensor:
    """What such a node gives."""
    packet = getattr(node.target, "overloadpacket", None)
    value: Tensor = node.meta["val"]
    if packet in (torch.ops.aten.mean, torch.ops.aten.adaptive_avg_pool2d):
        made = moments.mean
    else:
        correction = node.kwargs.get("correction", 1)
        assert isinstance(correction, int | float) or correction is None
        spare = 1 if correction is None else correction
        made = moments.squares / (moments.count - spare)
        if packet is torch.ops.aten.std:
            made = made.sqrt()
    return made.to(value.dtype).to(value.device).view(value.shape)


def _cannot(generator: Generator, node: Node, reason: str) -> str:
    modules = list((node.meta.get("nn_module_stack") or {}).values())
    where = str(modules[-1][0]).removeprefix("generator.") if modules else ""
    layer = getattr(getattr(node.target, "overloadpacket", None), "__name__", str(node.target))
    place = f" of its part {where}" if where else ""
    return (
        f"the generator {generator.name!r} cannot be run in pieces: {reason} (the layer "
        f"{layer}{place}); convolutions, padding, sampling, sums, activations and normalisations "
        "can be"
    )
