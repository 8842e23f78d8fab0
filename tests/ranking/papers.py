"""Papers for tests, by what matters for ranking."""

from __future__ import annotations

from datetime import UTC, datetime

from newsletter.model import Paper

NOW = datetime(2025, 8, 20, tzinfo=UTC)


def paper(
    key: int,
    title: str,
    abstract: str = "",
    *,
    authors: tuple[str, ...] = (),
    categories: tuple[str, ...] = (),
    upvotes: int | None = None,
) -> Paper:
    return Paper(
        key=key,
        id=f"title:{key}",
        title=title,
        abstract=abstract,
        authors=authors,
        categories=categories,
        url="",
        arxiv_id="",
        doi="",
        published_at=None,
        first_seen_at=NOW,
        upvotes=upvotes,
        repository="",
        project_page="",
        thumbnail="",
    )


def library(*papers: Paper) -> dict[str, Paper]:
    return {one.id: one for one in papers}
