"""What papers are like in general: the backdrop against which a profile stands out.

Mean and covariance of unlabelled papers' vectors. Their one eigendecomposition serves every subscriber's ridge
direction, w = (Σ + λ·ē·I)⁻¹ (m − μ): Fisher's linear discriminant (Hastie et al., The Elements of Statistical Learning,
4.3) of "papers this reader likes" (mean m) against "papers" (μ, Σ), with ē the mean eigenvalue.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsletter.ranking.encoder import Vectors
from newsletter.ranking.remembered import in_blocks


@dataclass(frozen=True)
class Background:
    """Mean (d), eigenvalues (d) and eigenvectors (d × d, in columns) of the covariance of `vectors` (m × d)."""

    vectors: Vectors
    mean: Vectors
    eigenvalues: Vectors
    eigenvectors: Vectors

    @classmethod
    def of(cls, vectors: Vectors) -> Background:
        """Learn from a matrix (m × d) of unit vectors; with none, directions are plain differences."""
        dimensions = vectors.shape[1]
        if len(vectors) == 0:
            zero, one = np.zeros(dimensions, np.float32), np.ones(dimensions, np.float32)
            return cls(vectors, zero, one / dimensions, np.eye(dimensions, dtype=np.float32))
        mean = vectors.mean(axis=0)
        centred = (vectors - mean).astype(np.float64)
        eigenvalues, eigenvectors = np.linalg.eigh(centred.T @ centred / len(vectors))
        clipped = np.maximum(eigenvalues, 1e-8).astype(np.float32)
        return cls(vectors, mean, clipped, eigenvectors.astype(np.float32))

    def directions(self, means: NDArray[Any], penalties: NDArray[Any]) -> Vectors:
        """Give the ridge directions (k × d) from the background's mean to some means (k × d), scaled so that the
        background's scores along each have standard deviation 1. Each has a penalty (k).
        """
        return in_blocks([*range(len(means))], lambda some: self._directions(means[some], penalties[some]))

    def _directions(self, means: NDArray[Any], penalties: NDArray[Any]) -> Vectors:
        steady = self.eigenvalues + penalties[:, None] * self.eigenvalues.mean()
        scaled = ((means - self.mean) @ self.eigenvectors) / steady
        spreads = np.sqrt((scaled**2 * self.eigenvalues).sum(axis=1, keepdims=True))
        directions: Vectors = (scaled @ self.eigenvectors.T / np.maximum(spreads, 1e-9)).astype(np.float32)
        return directions

    def spreads(self, queries: Vectors) -> Vectors:
        """Tell the standard deviations (k) of the background's cosines to query vectors (k × d)."""
        spreads: Vectors = np.sqrt(((queries @ self.eigenvectors) ** 2) @ self.eigenvalues)
        return spreads
