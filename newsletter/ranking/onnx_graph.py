"""A change to an ONNX model before it is loaded: a table's rows are picked first and become floats afterwards.

Models that keep their weights as bytes turn them into floats as their first step (Cast, Mul). onnxruntime does that
once and keeps the result: of a vocabulary 47 MB, though a text asks for a hundred of its rows. With the steps in the
other order the table stays as small as it is in the file, and the floats are the same.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

# What is changed of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto: name, number, type. All other fields of a
# model are unknown to these messages, and protobuf writes unknown fields as it read them.
_Kind = descriptor_pb2.FieldDescriptorProto
_MESSAGES = {
    "Node": [("input", 1, ""), ("output", 2, ""), ("name", 3, ""), ("op_type", 4, "")],
    "Graph": [("node", 1, "Node")],
    "Model": [("graph", 7, "Graph")],
}
_REPEATED = ("input", "output", "node")


def picked_first(model: bytes, table: str) -> bytes:
    """Give the model with the rows of a table picked before they become floats.

    `table` is what Mul(Cast(bytes), a factor a row) gives and one Gather takes. Raises ValueError where the model is
    none, or has no such steps.
    """
    changed = _model_class()()
    try:
        changed.MergeFromString(model)
        _reorder(changed.graph.node, table)
    except Exception as error:  # protobuf's DecodeError, too, has no better base
        raise ValueError(f"this is no ONNX model that picks rows of {table}") from error
    given: bytes = changed.SerializeToString()
    return given


def _reorder(nodes: Any, table: str) -> None:
    """Gather(Mul(Cast(bytes), factors)) becomes Mul(Cast(Gather(bytes)), Gather(factors))."""
    makes = {output: node for node in nodes for output in node.output}
    (pick,) = (node for node in nodes if node.op_type == "Gather" and node.input[0] == table)
    scale = makes[table]
    cast = makes[scale.input[0]]
    rows, factors = cast.input[0], scale.input[1]
    scale.output[0] = pick.output[0]
    cast.input[0], scale.input[1] = f"{rows}.picked", f"{factors}.picked"
    for part in (rows, factors):
        early = type(pick)()
        early.CopyFrom(pick)
        early.name, early.input[0], early.output[0] = f"{part}.pick", part, f"{part}.picked"
        nodes.insert(0, early)  # nodes stand in the order in which they are run
    nodes.remove(pick)


@cache
def _model_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="newsletter/onnx.proto", package="newsletter", syntax="proto2")
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, number, kind in fields:
            field = described.field.add(name=name, number=number)
            field.label = _Kind.LABEL_REPEATED if name in _REPEATED else _Kind.LABEL_OPTIONAL
            field.type = _Kind.TYPE_MESSAGE if kind else _Kind.TYPE_STRING
            if kind:
                field.type_name = f".newsletter.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("newsletter.Model"))
