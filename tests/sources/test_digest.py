from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from newsletter.errors import NotADigestError
from newsletter.model import PaperRecord
from newsletter.sources import digest

TODAY = date(2026, 11, 23)
FOLDER = Path(__file__).parents[1] / "data" / "sources" / "digest"
CASES = sorted(path.stem for path in FOLDER.glob("*.txt"))
ABSTRACT = (
    "Sand ripples move with the wind and against it. We film a dune for forty days and find that the smallest ripples "
    "travel upwind whenever the gusts are shorter than the time a grain needs to settle. A model agrees."
)

LETTER = (
    "Dear Anna,\n\nthank you for your letter, which came on Monday. We were all glad to hear that the harvest "
    "was good and that the roof holds. Father is well and sends his greetings to you and the children.\n\n"
    "We hope to come in spring.\n\nYours,\n\nMartha\n"
)


def described(record: PaperRecord) -> dict[str, Any]:
    """Give the fields of a record that are filled, as the expected files write them; an abstract always."""
    found = {
        "title": record.title,
        "abstract": record.abstract,
        "authors": list(record.authors),
        "url": record.url,
        "arxiv_id": record.arxiv_id,
        "doi": record.doi,
        "upvotes": record.upvotes,
    }
    return {name: value for name, value in found.items() if value not in ("", None, []) or name == "abstract"}


def parse(text: str, today: date = TODAY) -> list[tuple[str, str]]:
    found = digest.parse(text.encode(), where="page.txt", today=today)
    return [(record.title, record.abstract) for record in found.records]


@pytest.mark.parametrize("case", CASES)
def test_every_shape_of_copied_page_gives_its_papers(case: str) -> None:
    expected = json.loads((FOLDER / f"{case}.json").read_text(encoding="utf-8"))
    path = FOLDER / f"{case}.txt"
    found = digest.parse(path.read_bytes(), where=str(path), today=TODAY)
    assert [described(record) for record in found.records] == expected["papers"]
    assert found.title == expected["title"]
    assert (found.day.isoformat() if found.day else None) == expected["day"]


@pytest.mark.shared_data
def test_the_page_of_20_august_gives_its_42_papers_word_for_word(shared: Path) -> None:
    data = (shared / "seeds" / "daily-papers-aug-20.txt").read_bytes()
    found = digest.parse(data, where="daily-papers-aug-20.txt", today=TODAY)
    blocks = [" ".join(line.split()) for line in data.decode().splitlines() if line.strip()]
    texts = [text for record in found.records for text in (record.title, record.abstract)]
    assert texts == blocks[6:]  # behind the six lines of the banner
    assert len(found.records) == 42
    assert found.title == "Hugging Face Daily Papers"
    assert found.day == date(2026, 8, 20)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (LETTER, "not a copied digest"),
        ("import os\nimport sys\n\n\ndef main():\n    return os.listdir(sys.argv[1])\n\n\nprint(main())\n", "source"),
        ('#include <stdio.h>\n\nint main(void) {\n    puts("x");\n    return 0;\n}\n', "source"),
        ("id,title,year\n1,On Sand,1999\n2,On Wind,2001\n3,On Both,2004\n", "table"),
        ("a\tb\n1\t2\n3\t4\n", "table"),
        ('{"papers": [1, 2]}', "JSON"),
        ("<!DOCTYPE html><html><head><title>Sign in</title></head><body>x</body></html>", 'titled "Sign in"'),
        ("", "empty"),
        (" \n\n\t\n", "empty"),
        ("%PDF-1.7 ...", "PDF"),
        ("@article{key,\n title = {On Sand}\n}\n", "BibTeX"),
        ("Daily Papers\n\nbyAK and the research community\n\nAug 20\n", "no papers"),
        ("It was late. The rain had stopped.\n\nShe went home.\n\nNobody was there.\n", "not a copied digest"),
        ("# Tool\n\nA tool.\n\n## Install\n\n- clone it\n- run it\n\n## Use\n\n- say `tool`\n- wait\n", "not a copied"),
    ],
)
def test_what_is_no_digest_is_refused_with_its_name_and_what_was_looked_for(text: str, what: str) -> None:
    with pytest.raises(NotADigestError) as caught:
        digest.parse(text.encode(), where="some/file.txt", today=TODAY)
    assert "some/file.txt" in caught.value.message
    assert what in caught.value.message
    assert digest.NEEDS in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", bytes(range(256)) * 8, b"\x1f\x8b\x08\0abc", b"\0" * 64]
)
def test_bytes_that_are_no_text_are_refused(data: bytes) -> None:
    with pytest.raises(NotADigestError, match=r"x\.txt is not a copied digest"):
        digest.parse(data, where="x.txt", today=TODAY)


def test_a_very_long_text_is_refused_before_it_costs_time() -> None:
    with pytest.raises(NotADigestError, match="lines"):
        digest.parse(b"A Title of a Paper\n\nText.\n\n" * 20_000, where="x.txt", today=TODAY)


@pytest.mark.parametrize(
    "title", ["2 OLMo 2 Furious", "1.58-bit FLUX", "DINOv3", "Is Sand a Fluid?", "The End.", "365 Days"]
)
def test_a_title_that_looks_like_noise_survives_between_others(title: str) -> None:
    head = "Daily Papers\n\nAug 20\n\n"
    found = parse(f"{head}On Ripples\n\n{ABSTRACT}\n\n{title}\n\n{ABSTRACT}\n\nOn Dunes\n\n{ABSTRACT}\n")
    assert found == [("On Ripples", ABSTRACT), (title, ABSTRACT), ("On Dunes", ABSTRACT)]


def test_a_title_that_ends_with_a_word_of_the_pages_menu_stays_whole() -> None:
    text = f"Daily Papers\n\nPredicting the March of Dunes with Large Language\nModels\n\n{ABSTRACT}\n"
    assert parse(text) == [("Predicting the March of Dunes with Large Language Models", ABSTRACT)]


def test_a_wrapped_title_keeps_its_hyphens() -> None:
    text = f"Daily Papers\n\nWind- and Wave-\nDriven Sand in Pre- \nand Post-Storm Beaches\n\n{ABSTRACT}\n"
    assert parse(text) == [("Wind- and Wave-Driven Sand in Pre- and Post-Storm Beaches", ABSTRACT)]


def test_a_link_wrapped_onto_its_own_line_stays_in_the_abstract() -> None:
    text = f"Daily Papers\n\nOn Ripples\n\n{ABSTRACT} Films are at\nhttps://github.com/example/ripples.\n"
    assert parse(text)[0][1] == f"{ABSTRACT} Films are at https://github.com/example/ripples."


def test_upvotes_between_title_and_abstract_belong_to_that_title() -> None:
    text = f"Daily Papers\n\nOn Ripples\nUpvote 0\n\n{ABSTRACT}\n\nOn Dunes\nUpvote 12\n\n{ABSTRACT}\n"
    found = digest.parse(text.encode(), where="x", today=TODAY)
    assert [record.upvotes for record in found.records] == [0, 12]


def test_the_title_of_an_unnamed_list_is_the_stem_of_its_address() -> None:
    text = f"On Ripples\n\n{ABSTRACT}\n"
    found = digest.parse(text.encode(), where="https://example.org/lists/today%27s.txt?x=1", today=TODAY)
    assert found.title == "today's"
