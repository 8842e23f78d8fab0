"""How an ONNX model is laid out on the disk before it is loaded, so that it takes little memory.

Models that keep their weights as bytes turn them into floats as their first steps (Cast, Mul). onnxruntime does these
once, and keeps the results: of a vocabulary 47 MB, though a text asks for a hundred of its rows; and for a moment it
has all weights three times. So the vocabulary is taken out of the model and stays a file of bytes, of which a text's
rows are read; and the floats of all other weights are put into a file beside the model, which onnxruntime maps. The
vectors are the same.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

_FLOAT, _EXTERNAL = 1, 1  # TensorProto.DataType, TensorProto.DataLocation
_WEIGHTS, _ROWS = "weights.bin", "rows.bin"
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
    "Dimension": [("value", 1, _INT64)],
    "Shape": [("dim", 1, "Dimension")],
    "Numbers": [("elem_type", 1, _INT32), ("shape", 2, "Shape")],
    "Type": [("tensor", 1, "Numbers")],
    "Value": [("name", 1, _TEXT), ("type", 2, "Type")],
    "Graph": [("node", 1, "Node"), ("initializer", 5, "Tensor"), ("input", 11, "Value")],
    "Model": [("graph", 7, "Graph")],
}
_REPEATED = ("dims", "dim", "external_data", "input", "output", "node", "initializer")


class Vocabulary:
    """The rows of a vocabulary, read from the disk as they are asked for; `name` is the model's input that they are."""

    def __init__(self, name: str, octets: NDArray[np.int8], factors: NDArray[np.float32], file: Path) -> None:
        """Put rows of bytes (n × d) into a file that may be deleted at once; each has a factor (n × 1)."""
        self.name = name
        self._width, self._factors = octets.shape[1], factors
        octets.tofile(file)
        self._file = os.open(file, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)

    def rows(self, numbers: Sequence[int]) -> NDArray[np.float32]:
        """Give the rows with some numbers (m of them), as floats (m × d)."""
        # Not mapped: of a mapped file the system would soon hold all that is near to what is read.
        octets = b"".join(os.pread(self._file, self._width, self._width * number) for number in numbers)
        floats = np.frombuffer(octets, np.int8).reshape(-1, self._width).astype(np.float32)
        return floats * self._factors[numbers]


def laid_out(model: Path, folder: Path, table: str) -> tuple[Path, Vocabulary]:
    """Write a model file's model into an empty folder; give the path of what is to be loaded while the folder is there,
    and the vocabulary, whose rows the model takes as an input.

    `table` is the vocabulary: what Mul(Cast(bytes), a factor a row) gives, and one Gather takes. Raises OSError; and
    ValueError where the file holds no model, or one without such steps.
    """
    changed = _model_class()()
    try:
        changed.MergeFromString(model.read_bytes())
        vocabulary = _taken_out(changed.graph, table, folder / _ROWS)
    except (DecodeError, ValueError, KeyError, IndexError) as error:
        raise ValueError(f"this is no ONNX model that picks rows of {table}") from error
    with (folder / _WEIGHTS).open("wb") as file:
        _put_aside(changed.graph, file)
    path = folder / "model.onnx"
    path.write_bytes(changed.SerializeToString())
    return path, vocabulary


def _taken_out(graph: Any, table: str, file: Path) -> Vocabulary:
    """Have what Gather(Mul(Cast(bytes), factors)) gives become an input, as long as that of the rows' numbers."""
    makes = {output: node for node in graph.node for output in node.output}
    known = {tensor.name: tensor for tensor in graph.initializer}
    (pick,) = (node for node in graph.node if node.op_type == "Gather" and node.input[0] == table)
    (numbers,) = (value for value in graph.input if value.name == pick.input[1])
    scale = makes[table]
    cast = makes[scale.input[0]]
    octets, factors = known[cast.input[0]], known[scale.input[1]]
    name = pick.output[0]
    vocabulary = Vocabulary(name, _array(octets, np.int8), _array(factors, np.float32).copy(), file)
    given = graph.input.add()
    given.CopyFrom(numbers)
    given.name, given.type.tensor.elem_type = name, _FLOAT
    given.type.tensor.shape.dim.add(value=octets.dims[1])
    for node in (pick, scale, cast):
        graph.node.remove(node)
    for tensor in (octets, factors):
        graph.initializer.remove(tensor)
    return vocabulary


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
