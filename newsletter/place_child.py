"""The process in which papers are placed on a map; `web.map` starts it. It is told vectors, and gives places as JSON.

t-SNE is scikit-learn's, whose import takes 55 MB: more than a process that runs for months should keep for a map.
"""

from __future__ import annotations

import json
import sys

import numpy as np


def main(dimensions: int) -> None:
    """Answer with a place (x, y) for each vector (of so many float32), near each other where these are alike."""
    from sklearn.manifold import TSNE  # noqa: PLC0415  only this process needs it

    vectors = np.frombuffer(sys.stdin.buffer.read(), np.float32).reshape(-1, dimensions)
    neighbours = min(15.0, (len(vectors) - 1) / 3)
    placing = TSNE(perplexity=neighbours, init="pca", metric="cosine", random_state=0, n_jobs=1, max_iter=500)
    json.dump(placing.fit_transform(vectors.copy()).tolist(), sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]))
