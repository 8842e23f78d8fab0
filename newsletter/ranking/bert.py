"""BERT (Devlin et al. 2019, arXiv:1810.04805) as a graph that onnxruntime is fast with, one text at a time.

A model that was exported step by step spends a sixth of its time on steps that bring one text nothing: a mask of what
is no padding, copies into other shapes, a GELU of six steps. So only the weights are taken from its file, and the graph
is written anew with the operators that onnxruntime has for attention and GELU. The sums are the same, and so are the
vectors but for the last digits.

The vocabulary stays in the file: as floats it would take 47 MB, and a text asks for a hundred of its rows. They are the
graph's input.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError

from newsletter.ranking.onnx_graph import Graph
from newsletter.ranking.onnx_weights import Vocabulary, Weights

_HEADS = 12
_EPSILON = 1e-12
_EMBEDDINGS = "inner.embeddings."
_LAYER = "inner.encoder.layer.{}."


def laid_out(model: Path, folder: Path) -> tuple[Path, Vocabulary]:
    """Write a graph with a model file's weights into an empty folder. Give the path of what is to be loaded while the
    folder is there, and the vocabulary.

    The graph takes a text's rows of the vocabulary, and gives what the last layer makes of them (both of them
    1 × tokens × 384). Raises OSError; and ValueError where the file holds no such model.
    """
    with model.open("rb") as file, Graph(folder) as graph:
        try:
            weights = Weights(file)
            vocabulary = weights.vocabulary(f"{_EMBEDDINGS}word_embeddings.weight", model, "words")
            bert = _Bert(graph, weights)
            hidden = bert.embedded(graph.takes(vocabulary.name, vocabulary.width))
            number = 0
            while f"{_LAYER.format(number)}output.dense.bias" in weights:
                hidden = bert.layer(_LAYER.format(number), hidden)
                number += 1
        except (DecodeError, ValueError, KeyError, IndexError) as error:
            raise ValueError(f"{model} holds no BERT in ONNX's format") from error
        return graph.saved(hidden, vocabulary.width), vocabulary


class _Bert:
    """Writes the steps of BERT. Each takes the names of what it works on, and gives that of what it makes."""

    def __init__(self, graph: Graph, weights: Weights) -> None:
        self._graph, self._weights = graph, weights

    def embedded(self, words: str) -> str:
        """Add to each word what its place says, and that it is of the first text: there is no second."""
        step, constant = self._graph.step, self._graph.constant
        text = self._weights.floats(f"{_EMBEDDINGS}token_type_embeddings.weight")[0]
        places = constant(self._weights.floats(f"{_EMBEDDINGS}position_embeddings.weight") + text)
        zero = constant(np.zeros(1, np.int64))
        rows = step("Slice", places, zero, step("Shape", words, start=1, end=2), zero)
        return self._normed(f"{_EMBEDDINGS}LayerNorm", step("Add", words, rows))

    def layer(self, name: str, hidden: str) -> str:
        """Let each token look at the others, then at itself."""
        step = self._graph.step
        looked = self._product(f"{name}attention.output.dense", self._attention(f"{name}attention.self.", hidden))
        hidden = self._normed(f"{name}attention.output.LayerNorm", step("Add", looked, hidden))
        inner = self._product(f"{name}intermediate.dense", hidden, "BiasGelu")
        return self._normed(f"{name}output.LayerNorm", step("Add", self._product(f"{name}output.dense", inner), hidden))

    def _attention(self, name: str, hidden: str) -> str:
        parts = [f"{name}{part}" for part in ("query", "key", "value")]
        biases = np.concatenate([self._weights.floats(f"{part}.bias") for part in parts])
        products = [self._graph.step("MatMul", hidden, self._matrix(part)) for part in parts]
        return self._graph.step("MultiHeadAttention", *products, self._graph.constant(biases), num_heads=_HEADS)

    def _product(self, name: str, hidden: str, plus: str = "Add") -> str:
        product = self._graph.step("MatMul", hidden, self._matrix(name))
        return self._graph.step(plus, product, self._constant(f"{name}.bias"))

    def _normed(self, name: str, hidden: str) -> str:
        weight, bias = self._constant(f"{name}.weight"), self._constant(f"{name}.bias")
        return self._graph.step("LayerNormalization", hidden, weight, bias, epsilon=_EPSILON)

    def _matrix(self, name: str) -> str:
        return self._constant(self._weights.multiplied_before(f"{name}.bias"))

    def _constant(self, name: str) -> str:
        return self._graph.constant(self._weights.floats(name))
