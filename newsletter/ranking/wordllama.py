"""WordLlama's static table: a text is the mean of its tokens' vectors. Some 100 times as fast as MiniLM, less apt.

For machines too small for MiniLM (`ranking.encoder = "wordllama"`). Only the package's two data files are used: its own
loader looks for its tokenizer in the wrong place and then tries to download it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from newsletter.errors import EncoderError
from newsletter.ranking.encoder import Vectors, checked_file

_TABLE = (
    "wordllama",
    "weights/l2_supercat_256.safetensors",
    "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
)
_TOKENIZER = (
    "wordllama",
    "tokenizers/l2_supercat_tokenizer_config.json",
    "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
)


class WordLlama:
    """Sentence vectors of 256 dimensions from a static table; texts are cut after `tokens` word pieces."""

    dimensions = 256

    def __init__(self, tokens: int = 512) -> None:
        """Load the table (0.1 s). Raises EncoderError where its files are missing or changed, or its extra is."""
        try:
            from safetensors import safe_open  # noqa: PLC0415  lazy, as in minilm.py
            from tokenizers import Tokenizer  # noqa: PLC0415
        except ImportError as error:
            raise EncoderError(
                f"the encoder wordllama cannot be loaded: {error}", hint="pip install 'newsletter[wordllama]'"
            ) from error

        self.name = f"wordllama-l2-supercat-256/{tokens}"
        self._tokenizer = Tokenizer.from_file(str(checked_file(*_TOKENIZER)))
        self._tokenizer.enable_truncation(tokens)
        self._tokenizer.no_padding()
        with safe_open(str(checked_file(*_TABLE)), framework="np") as tensors:
            self._table: Vectors = tensors.get_tensor("embedding.weight").astype(np.float32)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Give unit vectors, shape (len(texts), 256); a text without tokens is the zero vector."""
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for row, item in enumerate(self._tokenizer.encode_batch(clean, add_special_tokens=False)):
            if item.ids:
                vectors[row] = self._table[item.ids].mean(axis=0)
        unit: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return unit
