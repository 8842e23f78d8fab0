"""How an ONNX model is laid out on the disk before it is loaded, so that it takes little memory.

Models that keep their weights as bytes turn them into floats as their first steps (Cast, Mul). onnxruntime does these
once, and keeps the results: of a vocabulary 47 MB, though a text asks for a hundred of its rows; and for a moment it
has all weights three times. So the vocabulary is taken out of the model and stays in its file, from which a text's
rows are read; and the floats of all other weights are put into another file, which onnxruntime maps. The vectors are
the same. The bytes are read one tensor at a time, for which the file is gone through by protobuf's wire format
(https://protobuf.dev/programming-guides/encoding/).
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

_FLOAT, _EXTERNAL = 1, 1  # TensorProto.DataType, TensorProto.DataLocation
_WEIGHTS = "weights.bin"
_VARINT, _BY_LENGTH = 0, 2  # of protobuf's wire format: a number, and what its length stands before
_TO_RAW_DATA = ("graph", "initializer", "raw_data")
_LARGE = 100_000  # bytes of a tensor
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

    def __init__(self, name: str, file: Path, start: int, factors: NDArray[np.float32], width: int) -> None:
        """Take rows of `width` bytes, each with a factor (n × 1), from where they start in a file.

        The file is held open, so it may be deleted. Raises OSError.
        """
        self.name = name
        self._start, self._factors, self._width = start, factors, width
        self._file = os.open(file, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)

    def rows(self, numbers: Sequence[int]) -> NDArray[np.float32]:
        """Give the rows with some numbers (m of them), as floats (m × d)."""
        # Not mapped: of a mapped file the system would soon hold all that is near to what is read.
        places = (self._start + self._width * number for number in numbers)
        octets = b"".join(os.pread(self._file, self._width, place) for place in places)
        floats = np.frombuffer(octets, np.int8).reshape(-1, self._width).astype(np.float32)
        return floats * self._factors[numbers]


def laid_out(model: Path, folder: Path, table: str) -> tuple[Path, Vocabulary]:
    """Write a model file's model into an empty folder; give the path of what is to be loaded while the folder is there,
    and the vocabulary, whose rows the model takes as an input.

    `table` is the vocabulary: what Mul(Cast(bytes), a factor a row) gives, and one Gather takes. Raises OSError; and
    ValueError where the file holds no model, or one without such steps.
    """
    with model.open("rb") as file, (folder / _WEIGHTS).open("wb") as floats:
        try:
            read = _Read(file)
            vocabulary = _taken_out(read, table, model)
        except (DecodeError, ValueError, KeyError, IndexError) as error:
            raise ValueError(f"this is no ONNX model that picks rows of {table}") from error
        _put_aside(read, floats)
        path = folder / "model.onnx"
        path.write_bytes(read.whole())
    return path, vocabulary


class _Read:
    """A model as it stands in a file, but for the bytes of large tensors, which are there to be read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._places: dict[str, tuple[int, int]] = {}
        self._model = _model_class()()
        self._merge(self._model, os.fstat(file.fileno()).st_size, _TO_RAW_DATA)

    @property
    def graph(self) -> Any:
        return self._model.graph

    def start(self, tensor: Any) -> int:
        """Tell where a large tensor's bytes start in the file."""
        return self._places[tensor.name][0]

    def array(self, tensor: Any, kind: type[np.generic]) -> Any:
        """Give a tensor's values."""
        return np.frombuffer(self._octets(tensor), kind).reshape(tuple(tensor.dims))

    def whole(self) -> bytes:
        """Give the model as a file holds it."""
        for tensor in self.graph.initializer:
            if tensor.name in self._places:
                tensor.raw_data = self._octets(tensor)
        octets: bytes = self._model.SerializeToString()
        return octets

    def _octets(self, tensor: Any) -> bytes:
        if tensor.name not in self._places:
            return bytes(tensor.raw_data)
        start, end = self._places[tensor.name]
        self._file.seek(start)
        return self._file.read(end - start)

    def _merge(self, message: Any, stop: int, way: Sequence[str]) -> None:
        """Take what stands from here to `stop` into a message; `way` leads from it to what may be large."""
        place = None
        field = message.DESCRIPTOR.fields_by_name[way[0]]
        for number, began, start, end in _fields(self._file, stop):
            if number != field.number or (len(way) == 1 and end - start <= _LARGE):
                self._file.seek(began)
                message.MergeFromString(self._file.read(end - began))
            elif len(way) == 1:
                place = start, end
            else:
                inner = getattr(message, field.name)
                self._merge(inner.add() if field.name in _REPEATED else inner, end, way[1:])
        if place:
            self._places[message.name] = place


def _fields(file: BinaryIO, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """Give the fields of a message from here to `stop`: the number, where it begins, and where what it holds starts and
    ends. The file stands at what it holds. Raises ValueError.
    """
    while (began := file.tell()) < stop:
        number, kind = divmod(_varint(file), 8)
        if kind not in {_VARINT, _BY_LENGTH}:
            raise ValueError("a field of a kind that ONNX does not have")
        length = _varint(file) if kind == _BY_LENGTH else 0
        start = file.tell()
        if kind == _VARINT:
            _varint(file)
            length = file.tell() - start
            file.seek(start)
        if start + length > stop:
            raise ValueError("a field that ends behind its message")
        yield number, began, start, start + length
        file.seek(start + length)


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        (octet,) = file.read(1) or [0]
        value |= (octet & 127) << shift
        if octet < 128:
            break
    return value


def _taken_out(read: _Read, table: str, model: Path) -> Vocabulary:
    """Have what Gather(Mul(Cast(bytes), factors)) gives become an input, as long as that of the rows' numbers."""
    graph = read.graph
    makes = {output: node for node in graph.node for output in node.output}
    known = {tensor.name: tensor for tensor in graph.initializer}
    (pick,) = (node for node in graph.node if node.op_type == "Gather" and node.input[0] == table)
    (numbers,) = (value for value in graph.input if value.name == pick.input[1])
    scale = makes[table]
    cast = makes[scale.input[0]]
    octets, factors = known[cast.input[0]], known[scale.input[1]]
    name, width = pick.output[0], octets.dims[1]
    vocabulary = Vocabulary(name, model, read.start(octets), read.array(factors, np.float32), width)
    given = graph.input.add()
    given.CopyFrom(numbers)
    given.name, given.type.tensor.elem_type = name, _FLOAT
    given.type.tensor.shape.dim.add(value=width)
    for node in (pick, scale, cast):
        graph.node.remove(node)
    for tensor in (octets, factors):
        graph.initializer.remove(tensor)
    return vocabulary


def _put_aside(read: _Read, file: BinaryIO) -> None:
    """Do every Mul(Cast(bytes), factors) whose bytes and factors are known, and keep the floats in the file."""
    graph = read.graph
    known = {tensor.name: tensor for tensor in graph.initializer}
    casts = {node.output[0]: node for node in graph.node if node.op_type == "Cast" and node.input[0] in known}
    for scale in [node for node in graph.node if node.op_type == "Mul" and node.input[0] in casts]:
        cast = casts[scale.input[0]]
        octets, factors = known[cast.input[0]], known[scale.input[1]]
        floats = read.array(octets, np.int8).astype(np.float32) * read.array(factors, np.float32)
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
