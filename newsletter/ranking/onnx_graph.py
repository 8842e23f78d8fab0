"""How an ONNX model is laid out on the disk before it is loaded, so that it takes little memory.

Models that keep their weights as bytes turn them into floats as their first steps (Cast, Mul). onnxruntime does these
once, and keeps the results: of a vocabulary 47 MB, though a text asks for a hundred of its rows; and for a moment it
has all weights three times. So the rows of the vocabulary are picked first and become floats afterwards, and the floats
of all other weights are put into a file beside the model, which onnxruntime maps. The vectors are the same.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

_FLOAT, _EXTERNAL = 1, 1  # TensorProto.DataType, TensorProto.DataLocation
_WEIGHTS = "weights.bin"
_PAGE = 4096  # bytes: where weights begin in their file, as they are mapped by pages

# What is looked at of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. All other fields of a model are unknown
# to these messages, and protobuf writes unknown fields as it read them.
_Kind = descriptor_pb2.FieldDescriptorProto
_TEXT, _BYTES, _INT32, _INT64 = _Kind.TYPE_STRING, _Kind.TYPE_BYTES, _Kind.TYPE_INT32, _Kind.TYPE_INT64
_MESSAGES: dict[str, list[tuple[str, int, Any]]] = {
    "Entry": [("key", 1, _TEXT), ("value", 2, _TEXT)],
    "Tensor": [
        ("dims", 1, _INT64),
        ("data_type", 2, _INT32),
        ("name", 8, _TEXT),
        ("raw_data", 9, _BYTES),
        ("external_data", 13, "Entry"),
        ("data_location", 14, _INT32),
    ],
    "Node": [("input", 1, _TEXT), ("output", 2, _TEXT), ("name", 3, _TEXT), ("op_type", 4, _TEXT)],
    "Graph": [("node", 1, "Node"), ("initializer", 5, "Tensor")],
    "Model": [("graph", 7, "Graph")],
}
_REPEATED = ("dims", "external_data", "input", "output", "node", "initializer")


def laid_out(model: Path, folder: Path, table: str) -> Path:
    """Write a model file's model into an empty folder; give the path of what is to be loaded while the folder is there.

    `table` is the vocabulary: what Mul(Cast(bytes), a factor a row) gives, and one Gather takes. Raises OSError; and
    ValueError where the file holds no model, or one without such steps.
    """
    changed = _model_class()()
    try:
        changed.MergeFromString(model.read_bytes())
        _pick_first(changed.graph.node, table)
    except (DecodeError, ValueError, KeyError, IndexError) as error:
        raise ValueError(f"this is no ONNX model that picks rows of {table}") from error
    with (folder / _WEIGHTS).open("wb") as file:
        _put_aside(changed.graph, file)
    path = folder / "model.onnx"
    path.write_bytes(changed.SerializeToString())
    return path


def _pick_first(nodes: Any, table: str) -> None:
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


def _put_aside(graph: Any, file: BinaryIO) -> None:
    """Do every Mul(Cast(bytes), factors) whose bytes and factors are known, and keep the floats in the file."""
    known = {tensor.name: tensor for tensor in graph.initializer}
    casts = {node.output[0]: node for node in graph.node if node.op_type == "Cast" and node.input[0] in known}
    for scale in [node for node in graph.node if node.op_type == "Mul" and node.input[0] in casts]:
        cast = casts[scale.input[0]]
        octets, factors = known[cast.input[0]], known[scale.input[1]]
        floats = _array(octets, np.int8).astype(np.float32) * _array(factors, np.float32)
        file.write(bytes(-file.tell() % _PAGE))
        place = {"location": _WEIGHTS, "offset": str(file.tell()), "length": str(floats.nbytes)}
        floats.tofile(file)
        graph.initializer.add(
            name=scale.output[0],
            dims=floats.shape,
            data_type=_FLOAT,
            data_location=_EXTERNAL,
            external_data=[{"key": key, "value": value} for key, value in place.items()],
        )
        for done in (scale, cast):
            graph.node.remove(done)
        for tensor in (octets, factors):
            graph.initializer.remove(tensor)


def _array(tensor: Any, kind: type[np.generic]) -> Any:
    return np.frombuffer(tensor.raw_data, kind).reshape(tuple(tensor.dims))


@cache
def _model_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="newsletter/onnx.proto", package="newsletter", syntax="proto2")
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, number, kind in fields:
            field = described.field.add(name=name, number=number)
            field.label = _Kind.LABEL_REPEATED if name in _REPEATED else _Kind.LABEL_OPTIONAL
            if isinstance(kind, str):
                field.type, field.type_name = _Kind.TYPE_MESSAGE, f".newsletter.{kind}"
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("newsletter.Model"))
