from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from newsletter.errors import NotADigestError
from newsletter.model import PaperRecord
from newsletter.sources import digest, markdown

CODE = "**[link](https://github.com/a/dunes)**"
TABLE = f"""# Dune Papers [![badge](https://img.example/b.svg)](https://x.example)

## Singing

|Publish Date|Title|Authors|PDF|Code|
|---|:---:|---|---|---|
|**2025-08-14**|**Why $n$ Dunes \\| Drifts Sing**|Ann Marsh et.al.|[2508.10001](http://arxiv.org/abs/2508.10001)|{CODE}|
|**2025-08-13**|[Drifts Hum](https://arxiv.org/abs/2508.10002)|Bo Lin, Cy Reed|null|null|

<p align=right>(<a href=#top>back to top</a>)</p>

| Date | Price |
| --- | --- |
| 2025 | 5 |
"""
FILMS = "films a dune for forty days and finds that the smallest ripples travel against the wind."
LISTENS = (
    "Institute of Sand<br>We listen to drifts through forty long nights, and <b>again</b>, for all is not yet heard."
)
WEEKLY = f"""## Top Papers of the Week
| **Paper**  | **Links** |
| ------------- | ------------- |
| 1) **Singing Dunes** - {FILMS} | [Paper](https://doi.org/10.5555/dune.1), [Tweet](https://x.example/1) |
| 2) **Humming Drifts**<br><sub>{LISTENS}</sub> | [![a](https://i.example/a.svg)](https://arxiv.org/pdf/2508.10002v1) |
"""
AWESOME = """# Awesome Dunes

A curated list.

- [Surveys](#surveys)

## Surveys
- **A Survey of Dunes**, *Ann Marsh, Bo Lin*, arXiv 2025. [[paper]](https://arxiv.org/abs/2508.10001) [[code]](https://github.com/a/dunes)
- [Dunes in the Wild](https://arxiv.org/abs/2508.10002) - Cy Reed, *SandConf 2025*
* [2025/07] Dune Transformers. Ann Marsh. [[pdf]](https://arxiv.org/pdf/2508.10003.pdf)
- (SandConf 2025) Deep Dunes [[Paper](https://openreview.net/forum?id=dune)]
  - with a note
"""
FOLDED = """<details>
  <summary><b>TOC</b></summary>
</details>

### [Why Dunes Sing](http://arxiv.org/abs/2508.10001)
Ann Marsh, Bo Lin
<details>
  <summary>Abstract</summary>
  <ol>
    We film a dune for forty days.
  </ol>
</details>

### [Drifts Hum](http://arxiv.org/abs/2508.10002)
<details><summary>Abstract</summary>They hum.</details>
"""


def read(text: str) -> tuple[PaperRecord, ...]:
    assert markdown.recognises(text.encode())
    return markdown.parse(text.encode(), where="README.md").records


def test_the_rows_of_a_table_are_papers() -> None:
    dunes, drifts = read(TABLE)
    assert (dunes.title, dunes.authors, dunes.arxiv_id) == ("Why n Dunes | Drifts Sing", ("Ann Marsh",), "2508.10001")
    assert (dunes.repository, dunes.published_at) == ("https://github.com/a/dunes", datetime(2025, 8, 14, tzinfo=UTC))
    assert (drifts.title, drifts.authors, drifts.arxiv_id) == ("Drifts Hum", ("Bo Lin", "Cy Reed"), "2508.10002")
    assert markdown.parse(TABLE.encode(), where="README.md").title == "Dune Papers"


def test_what_a_table_says_behind_a_bold_title_is_the_abstract() -> None:
    singing, humming = read(WEEKLY)
    assert (singing.title, singing.doi) == ("Singing Dunes", "10.5555/dune.1")
    assert singing.abstract == FILMS
    assert (humming.title, humming.arxiv_id) == ("Humming Drifts", "2508.10002")
    assert humming.abstract.endswith("and again, for all is not yet heard.")


def test_the_items_of_a_list_are_papers_and_its_table_of_contents_is_not() -> None:
    records = read(AWESOME)
    assert [record.title for record in records] == [
        "A Survey of Dunes",
        "Dunes in the Wild",
        "Dune Transformers",
        "Deep Dunes",
    ]
    assert records[0].authors == ("Ann Marsh", "Bo Lin")
    assert records[0].repository == "https://github.com/a/dunes"
    assert [record.arxiv_id for record in records] == ["2508.10001", "2508.10002", "2508.10003", ""]
    assert records[3].url == "https://openreview.net/forum?id=dune"
    assert not any(record.abstract for record in records)


def test_headings_that_are_links_have_authors_and_abstract_below() -> None:
    dunes, drifts = read(FOLDED)
    assert (dunes.title, dunes.authors) == ("Why Dunes Sing", ("Ann Marsh", "Bo Lin"))
    assert (dunes.abstract, drifts.abstract) == ("We film a dune for forty days.", "They hum.")


@pytest.mark.parametrize(
    "text",
    [
        "# Notes\n\n- buy [sand](https://shop.example)\n- see https://arxiv.org/abs/2508.10001\n- sleep\n",
        "| Date | Price |\n| --- | --- |\n| 2025 | 5 |\n| 2024 | 4 |\n",
        "[On Ripples](https://arxiv.org/abs/2508.10001)\n\nRipples move with the wind.\n",
        "### [On Ripples](https://arxiv.org/abs/2508.10001)\n\nThey move.\n\n### [On Sand](https://arxiv.org/abs/2508.10002)\n",
        "",
    ],
)
def test_other_markdown_is_no_list_of_papers(text: str) -> None:
    assert not markdown.recognises(text.encode())


def test_a_text_without_papers_is_refused_with_what_is_needed() -> None:
    with pytest.raises(NotADigestError, match="Markdown list"):
        markdown.parse(b"# Notes\n\nNothing.\n", where="README.md")


PAGE = """[![logo](https://hf.example/logo.svg) Hugging Face](/)

* [Models](/models)
* [Sign Up](/join)

# Daily Papers

by [AK](https://huggingface.co/akhaliq) and the research community

[Daily](/papers/date/2025-08-20) [Weekly](/papers/week/2025-W34)

[<](/papers/date/2025-08-19) Aug 20 [>](/papers/date/2025-08-21)

[![](https://hf.example/2508.10433.png)](/papers/2508.10433)

Submitted by

![](https://hf.example/a.jpeg)

amarsh

92

### [Why Dunes Sing](/papers/2508.10433)

* ![](https://hf.example/b.png)

·12 authors

[6](/papers/2508.10433#community)

[![](https://hf.example/2508.11111.png)](/papers/2508.11111)

Submitted by

blin

41

### [Drifts Hum](/papers/2508.11111)

[2](/papers/2508.11111#community)

Previous

[Company](/) [TOS](/terms-of-service)
"""


def test_a_page_of_daily_papers_saved_as_markdown_gives_its_papers_alone() -> None:
    found = digest.parse(PAGE.encode(), where="page.md", today=date(2025, 8, 22))
    assert [(r.title, r.arxiv_id, r.upvotes) for r in found.records] == [
        ("Why Dunes Sing", "2508.10433", 92),
        ("Drifts Hum", "2508.11111", 41),
    ]
    assert found.day == date(2025, 8, 20)
