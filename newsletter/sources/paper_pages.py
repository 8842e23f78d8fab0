"""Addresses at which papers stand, as lists and copied pages link to them."""

from __future__ import annotations

import re

PAPER_PAGE = re.compile(
    r"arxiv\.org/|huggingface\.co/papers|hf\.co/papers|doi\.org/|openreview\.net/|aclanthology\.org/|biorxiv\.org/"
    r"|medrxiv\.org/|alphaxiv\.org/|proceedings\.mlr\.press/|openaccess\.thecvf\.com/|papers\.n(?:eur)?ips\.cc/"
    r"|dl\.acm\.org/doi|ieeexplore\.ieee\.org/|link\.springer\.com/|sciencedirect\.com/science|nature\.com/articles"
    r"|science\.org/doi|jmlr\.org/papers|pubmed\.ncbi|ecva\.net/papers|isca-archive\.org/",
    re.IGNORECASE,
)
