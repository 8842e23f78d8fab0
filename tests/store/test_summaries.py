"""Summaries in the store: by model and text, once for all."""

from __future__ import annotations

from newsletter.store import Store


def test_a_summary_is_kept_by_model_and_text(store: Store) -> None:
    store.summaries.save("one", "hash", "A loom.")
    store.summaries.save("two", "hash", "")
    assert store.summaries.load("one", ["hash", "other"]) == {"hash": "A loom."}
    assert store.summaries.load("two", ["hash"]) == {"hash": ""}
    assert store.summaries.load("three", ["hash"]) == {}


def test_what_is_there_stays(store: Store) -> None:
    store.summaries.save("one", "hash", "A loom.")
    store.summaries.save("one", "hash", "A mill.")
    assert store.summaries.load("one", ["hash"]) == {"hash": "A loom."}
