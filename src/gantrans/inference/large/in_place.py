"""Layers that write into what they read."""

from __future__ import annotations

import torch
from torch.fx import Graph, Node

from gantrans.inference.large.nodes import NotCuttableError, kind_of


def write_nowhere(graph: Graph) -> None:
    """Let layers that write into what they read (`relu_`) give something new instead.

    Raises NotCuttableError if what they write is read under another name afterwards.
    """
    order = {node: place for place, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        target = node.target
        if not isinstance(target, torch._ops.OpOverload) or not target._schema.is_mutable:
            continue
        name = kind_of(node)
        packet = getattr(torch.ops.aten, name.removesuffix("_"), None)
        if not name.endswith("_") or not hasattr(packet, target._overloadname):
            continue  # it is refused as a layer that is not known
        [written, *_] = node.args
        if not isinstance(written, Node):
            continue  # likewise
        for alias in _aliases(written) - {written, node}:
            if any(order[user] > order[node] for user in alias.users):
                raise NotCuttableError("it writes into what is read again", node)
        node.target = getattr(packet, target._overloadname)
        for user in list(written.users):  # who reads it afterwards reads what was written
            if order[user] > order[node]:
                user.replace_input_with(written, node)


def _aliases(node: Node) -> set[Node]:
    """Nodes whose tensors may share memory with that of `node`, itself included."""
    found: set[Node] = set()
    ahead = [node]
    while ahead:
        each = ahead.pop()
        if each in found:
            continue
        found.add(each)
        ahead += [user for user in each.users if _may_share(user)]
        ahead += each.all_input_nodes if _may_share(each) else []
    return found


def _may_share(node: Node) -> bool:
    """Whether a layer may give a part of what it reads, in place."""
    target = node.target
    if kind_of(node) == "batch_norm":  # it may write its statistics; what it gives is new
        return False
    if not isinstance(target, torch._ops.OpOverload):
        return node.op == "call_function"  # taking an element of a list
    return target.is_view or torch.Tag.maybe_aliasing_or_mutating in target.tags
