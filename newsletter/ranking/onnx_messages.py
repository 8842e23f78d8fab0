"""The messages of ONNX's files: as much of them as is read and written here.

All other fields are unknown to protobuf then, which passes over them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

TYPES: dict[int, np.dtype[Any]] = {  # by TensorProto.DataType
    1: np.dtype(np.float32),
    3: np.dtype(np.int8),
    7: np.dtype(np.int64),
}
REPEATED = frozenset(
    ("attribute", "dim", "dims", "external_data", "initializer", "input", "node", "opset_import", "output")
)

# https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
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
    "Attribute": [("name", 1, _TEXT), ("f", 2, _Kind.TYPE_FLOAT), ("i", 3, _INT64), ("type", 20, _INT32)],
    "Node": [
        ("input", 1, _TEXT),
        ("output", 2, _TEXT),
        ("op_type", 4, _TEXT),
        ("attribute", 5, "Attribute"),
        ("domain", 7, _TEXT),
    ],
    "Dimension": [("value", 1, _INT64), ("name", 2, _TEXT)],
    "Shape": [("dim", 1, "Dimension")],
    "Numbers": [("elem_type", 1, _INT32), ("shape", 2, "Shape")],
    "Type": [("tensor", 1, "Numbers")],
    "Value": [("name", 1, _TEXT), ("type", 2, "Type")],
    "Graph": [
        ("node", 1, "Node"),
        ("name", 2, _TEXT),
        ("initializer", 5, "Tensor"),
        ("input", 11, "Value"),
        ("output", 12, "Value"),
    ],
    "Operators": [("domain", 1, _TEXT), ("version", 2, _INT64)],
    "Model": [("ir_version", 1, _INT64), ("graph", 7, "Graph"), ("opset_import", 8, "Operators")],
}


@cache
def model_class() -> Any:
    """Give the class of a model: protobuf makes it when it is first asked for."""
    file = descriptor_pb2.FileDescriptorProto(name="newsletter/onnx.proto", package="newsletter", syntax="proto2")
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, number, kind in fields:
            field = described.field.add(name=name, number=number)
            field.label = _Kind.LABEL_REPEATED if name in REPEATED else _Kind.LABEL_OPTIONAL
            if isinstance(kind, str):
                field.type, field.type_name = _Kind.TYPE_MESSAGE, f".newsletter.{kind}"
            else:
                field.type = kind
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("newsletter.Model"))
