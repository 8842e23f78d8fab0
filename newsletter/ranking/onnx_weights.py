"""The weights of an ONNX model, read one at a time.

Models that keep their weights as bytes turn them into floats as their first steps (Cast, Mul). onnxruntime does these
once, and keeps the results; for a moment it has all weights three times. So a file's bytes stay where they are until
they are asked for, and are made floats here. The file is gone through by protobuf's wire format
(https://protobuf.dev/programming-guides/encoding/).
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from newsletter.ranking.onnx_messages import REPEATED, TYPES, model_class

_VARINT, _BY_LENGTH = 0, 2  # of the wire format: a number, and what its length stands before
_TO_RAW_DATA = ("graph", "initializer", "raw_data")
_LARGE = 100_000  # bytes of a tensor


class Vocabulary:
    """The rows of a vocabulary, read from the disk as they are asked for; `name` is the model's input that they are."""

    def __init__(self, name: str, file: Path, start: int, factors: NDArray[np.float32], width: int) -> None:
        """Take rows of `width` bytes, each with a factor (n × 1), from where they start in a file.

        The file is held open, so it may be deleted. Raises OSError.
        """
        self.name, self.width = name, width
        self._start, self._factors = start, factors
        self._file = os.open(file, os.O_RDONLY)
        weakref.finalize(self, os.close, self._file)

    def rows(self, numbers: Sequence[int]) -> NDArray[np.float32]:
        """Give the rows with some numbers (m of them), as floats (m × d)."""
        # Not mapped: of a mapped file the system would soon hold all that is near to what is read.
        places = (self._start + self.width * number for number in numbers)
        octets = b"".join(os.pread(self._file, self.width, place) for place in places)
        floats = np.frombuffer(octets, np.int8).reshape(-1, self.width).astype(np.float32)
        return floats * self._factors[numbers]


class Weights:
    """What a model multiplies by and adds, by name, read from its file as it is asked for.

    Raises DecodeError, ValueError, KeyError or IndexError, here and by what it is asked, where the file is another's.
    """

    def __init__(self, file: BinaryIO) -> None:
        """Go through a model's file, which stays open as long as weights are read."""
        self._file = file
        self._places: dict[str, tuple[int, int]] = {}  # of the bytes of large tensors
        model = model_class()()
        self._merge(model, os.fstat(file.fileno()).st_size, _TO_RAW_DATA)
        self._tensors = {tensor.name: tensor for tensor in model.graph.initializer}
        self._makes = {output: node for node in model.graph.node for output in node.output}
        self._adds = {name: node for node in model.graph.node if node.op_type == "Add" for name in node.input}

    def __contains__(self, name: str) -> bool:
        """Whether the model has a tensor of floats of this name."""
        return name in self._tensors

    def floats(self, name: str) -> Any:
        """Give a tensor: one of floats, or what Mul(Cast(bytes), factors) gives."""
        if name in self._tensors:
            return self._values(self._tensors[name])
        octets, factors = self._in_bytes(name)
        return self._values(octets).astype(np.float32) * self._values(factors)

    def vocabulary(self, table: str, file: Path, name: str) -> Vocabulary:
        """Give a table of bytes with a factor a row as a vocabulary of some name; `file` is the model's path."""
        octets, factors = self._in_bytes(table)
        return Vocabulary(name, file, self._places[octets.name][0], self._values(factors), octets.dims[1])

    def multiplied_before(self, bias: str) -> str:
        """Tell the name, a mere number in most files, of what is multiplied by before a bias is added."""
        (product,) = (self._makes[name] for name in self._adds[bias].input if name != bias)
        return str(product.input[1])

    def _in_bytes(self, name: str) -> tuple[Any, Any]:
        scale = self._makes[name]
        return self._tensors[self._makes[scale.input[0]].input[0]], self._tensors[scale.input[1]]

    def _values(self, tensor: Any) -> Any:
        octets = tensor.raw_data
        if tensor.name in self._places:
            start, end = self._places[tensor.name]
            self._file.seek(start)
            octets = self._file.read(end - start)
        return np.frombuffer(octets, TYPES[tensor.data_type]).reshape(tuple(tensor.dims))

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
                self._merge(inner.add() if field.name in REPEATED else inner, end, way[1:])
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
