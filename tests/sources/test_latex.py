from __future__ import annotations

import re
import unicodedata
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.sources.latex import readable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r"$\pi^3$: a title", "π^3: a title"),
        (r"$\tau$-bench in $O(n\log n)$", "τ-bench in O(n log n)"),
        (r"over $\mathbb{R}^d$, $x \leq 10^{-3}$", "over ℝ^d, x ≤ 10^-3"),
        (r"\emph{very \textbf{bold}} words", "very bold words"),
        (r"Schr{\"o}dinger, Erd\H{o}s, Gar\c{c}on, \'{e}t\'e", "Schrödinger, Erdős, Garçon, été"),
        (r"Prefill \& Decode at 95.1\%", "Prefill & Decode at 95.1%"),
        (r"see \href{https://x.org}{the page}", "see the page (https://x.org)"),
        (r"\(x^2\)", "x^2"),
        (r"$\|f\|_2 \le 1$, $\left\|w\right\|$", "‖f‖_2 ≤ 1, ‖w‖"),
        ("from $5 to $10, or US$5 and A$10", "from $5 to $10, or US$5 and A$10"),
        ("costs $20/$30", "costs $20/$30"),
        ("50% of R&D", "50% of R&D"),
        (r"$50%$ more", "50% more"),
        ("when $n<m$ and k<p", "when n<m and k<p"),
        (r"$\href{a}{b}$", r"$\href{a}{b}$"),
        (r"\unknown{word} \cite{key}", r"\unknown{word} \cite{key}"),
        (r"C:\new\table", r"C:\new\table"),
        ("$", "$"),
        ("$$", "$$"),
        ("", ""),
    ],
)
def test_formulas_and_commands_become_readable_and_money_stays(text: str, expected: str) -> None:
    assert readable(text) == expected


def test_braces_nested_too_deeply_are_left_alone() -> None:
    text = "$" + "{" * 5000 + "x" + "}" * 5000 + "$"
    assert readable(text) == text


def letters(text: str) -> Counter[str]:
    """Count the letters and digits that are no names of commands."""
    bare = re.sub(r"\\begin\{a\}|\\[a-zA-Z]+", " ", text)
    return Counter(c for c in unicodedata.normalize("NFKD", bare) if c.isalnum())


WORDS = r"$ $$ { } \ % & ^ _ a 7 \alpha \frac \emph{ \' \href{ \texttt{ \( \) \% $x$ {\"o} \begin{a} \text{b}"
PIECES = st.sampled_from([*WORDS.split(), " ", "x y", "$5 to $10"])


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_no_letter_and_no_digit_is_lost(text: str) -> None:
    assert letters(text) <= letters(readable(text))


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"$\sim$10 dunes, $\pm$0.1\% of $5", "∼10 dunes, ±0.1% of $5"),
        (r"$-$50\,dB at $<$3 knots", "-50 dB at <3 knots"),
        (r"200\,\mbox{$\mu$m} wide", "200 μm wide"),
        (r"a \textbf{$x$ and $y$} dune", "a x and y dune"),
        (r"at 10 \textdegree C", "at 10 °C"),
        (r"{\v R}eh{\r u}{\v r}ek", "Řehůřek"),
        (r"one \\ two \\[2pt] three", r"one \\ two \\[2pt] three"),
    ],
)
def test_signs_and_spaces_are_readable(latex: str, expected: str) -> None:
    assert readable(latex) == expected
