"""The graph of an ONNX model, written so that onnxruntime takes little memory for it: it maps what is large."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from newsletter.ranking.onnx_messages import TYPES, model_class

_CODES = {kind: code for code, kind in TYPES.items()}
_EXTERNAL = 1  # TensorProto.DataLocation
_A_FLOAT, _AN_INT = 1, 2  # AttributeProto.AttributeType
_VERSION, _OPERATORS, _OWN_OPERATORS = 8, 17, 1  # of the format and its operators: those of ONNX 1.12
_OWN_DOMAIN, _OWN = "com.microsoft", ("BiasGelu", "MultiHeadAttention")  # operators that onnxruntime alone has
_WEIGHTS = "weights.bin"
_LARGE = 100_000  # bytes of a constant
_PAGE = 4096  # bytes: where constants begin in their file, as they are mapped by pages


class Graph:
    """A graph that is written step by step into a folder, its large constants at once. What is made has a name."""

    def __init__(self, folder: Path) -> None:
        """Begin a graph. Raises OSError, as do all that write."""
        self._folder = folder
        self._model = model_class()(ir_version=_VERSION)
        for domain, version in (("", _OPERATORS), (_OWN_DOMAIN, _OWN_OPERATORS)):
            self._model.opset_import.add(domain=domain, version=version)
        self._graph = self._model.graph
        self._graph.name = "newsletter"
        self._weights = (folder / _WEIGHTS).open("wb")

    def __enter__(self) -> Self:
        """Begin to write."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Close the file of constants."""
        self._weights.close()

    def takes(self, name: str, width: int) -> str:
        """Have a matrix of floats (1 × any number × width) be an input."""
        self._put(self._graph.input.add(), name, width)
        return name

    def constant(self, values: NDArray[Any]) -> str:
        """Add an array that is known."""
        name = f"constant {len(self._graph.initializer)}"
        tensor = self._graph.initializer.add(name=name, dims=values.shape, data_type=_CODES[values.dtype])
        if values.nbytes <= _LARGE:
            tensor.raw_data = values.tobytes()
            return name
        self._weights.write(bytes(-self._weights.tell() % _PAGE))
        tensor.data_location = _EXTERNAL
        place = {"location": _WEIGHTS, "offset": self._weights.tell(), "length": values.nbytes}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
        values.tofile(self._weights)
        return name

    def step(self, operator: str, *inputs: str, **attributes: float) -> str:
        """Add a step that makes one thing of its inputs (https://onnx.ai/onnx/operators, and onnxruntime's own:
        https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md).
        """
        name = f"step {len(self._graph.node)}"
        domain = _OWN_DOMAIN if operator in _OWN else ""
        node = self._graph.node.add(op_type=operator, input=inputs, output=[name], domain=domain)
        for key, value in attributes.items():
            if isinstance(value, int):
                node.attribute.add(name=key, i=value, type=_AN_INT)
            else:
                node.attribute.add(name=key, f=value, type=_A_FLOAT)
        return name

    def saved(self, name: str, width: int) -> Path:
        """Give the path of the graph's file, when all is written. What has this name and width is its output."""
        self._put(self._graph.output.add(), name, width)
        self._weights.flush()
        path = self._folder / "model.onnx"
        path.write_bytes(self._model.SerializeToString())
        return path

    @staticmethod
    def _put(value: Any, name: str, width: int) -> None:
        value.name = name
        value.type.tensor.elem_type = _CODES[np.dtype(np.float32)]
        for dimension in ({"value": 1}, {"name": "tokens"}, {"value": width}):
            value.type.tensor.shape.dim.add(**dimension)
