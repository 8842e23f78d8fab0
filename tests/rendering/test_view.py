"""What a template sees: every word of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from newsletter.model import Announcement, Cadence, Reason, ReasonKind, Section
from newsletter.rendering import ENGLISH, Renderer, edition_view, language
from newsletter.rendering.words import SUBJECT_LIMIT, Span, announced, authors, reason
from tests.rendering.editions import NOON, SITE, edition, links, paper, pick, view

FEW_WORDS = "Looms"


def test_the_date_is_english_whatever_the_locale() -> None:
    assert ENGLISH.long_date(date(2026, 11, 23)) == "Monday, 23 November 2026"
    assert language("en-US").long_date(date(2026, 11, 23)) == "Monday, November 23, 2026"


@pytest.mark.parametrize(
    ("items", "text"), [([], ""), (["A"], "A"), (["A", "B"], "A and B"), (["A", "B", "C"], "A, B and C")]
)
def test_lists_read_as_a_person_writes_them(items: list[str], text: str) -> None:
    assert ENGLISH.listed(items) == text


def test_up_to_four_authors_are_named_and_of_more_the_first_three() -> None:
    assert authors(ENGLISH, ["A", "B", "C", "D"]) == "A, B, C and D"
    assert authors(ENGLISH, ["A", "B", "C", "D", "E"]) == "A, B, C and 2 others"
    assert authors(ENGLISH, [f"A{n}" for n in range(3303)]) == "A0, A1, A2 and 3,300 others"


def test_sources_of_one_day_are_joined_and_of_others_stand_apart() -> None:
    def of(title: str, day: date | None) -> Announcement:
        return Announcement("s", title, day, NOON)

    day, before = date(2026, 8, 20), date(2026, 8, 19)
    assert announced(ENGLISH, [of("Hugging Face Daily Papers", day)]) == "Hugging Face Daily Papers · 20 Aug"
    assert announced(ENGLISH, [of("HF", day), of("arXiv cs.CL", day), of("HF", day)]) == "HF and arXiv cs.CL · 20 Aug"
    assert announced(ENGLISH, [of("HF", day), of("arXiv cs.CL", before)]) == "HF · 20 Aug, arXiv cs.CL · 19 Aug"
    assert announced(ENGLISH, [of("HF", None)]) == "HF"
    assert announced(ENGLISH, [of(name, day) for name in "ABCDE"]) == "A, B, C and 2 other sources · 20 Aug"


@pytest.mark.parametrize(
    ("kind", "matched", "text"),
    [
        (ReasonKind.TOPIC, "Speech recognition", "Your topic “Speech recognition”"),
        (ReasonKind.KEYWORD, "CTC", "Keyword “CTC”"),
        (ReasonKind.AUTHOR, "Ada Lovelace", "Author Ada Lovelace"),
        (ReasonKind.LIKED_PAPER, "Pointer Networks", "Like “Pointer Networks”, which you liked"),
        (ReasonKind.INTERESTS, "neutron stars", "Close to “neutron stars”"),
        (ReasonKind.NEAR, "Robotics", "Nearest to “Robotics” today"),
        (ReasonKind.POPULAR, "108 upvotes", "Popular today: 108 upvotes"),
        (ReasonKind.ELSEWHERE, "", "Outside your usual topics, and much noticed today"),
        (ReasonKind.NEW, "", "New today"),
    ],
)
def test_every_reason_has_words(kind: ReasonKind, matched: str, text: str) -> None:
    assert reason(ENGLISH, Reason(kind, matched), Span.DAY) == text


def test_a_weekly_issue_speaks_of_the_week() -> None:
    popular = Reason(ReasonKind.POPULAR, "1 upvote")
    assert reason(ENGLISH, popular, Span.WEEK) == "Popular this week: 1 upvote"
    assert view([paper()], cadence=Cadence.WEEKLY).kind == "Weekly issue"


def test_the_subject_is_the_top_title_and_how_many_more() -> None:
    assert view([paper(1, title=FEW_WORDS), paper(2)]).subject == "Looms, and 1 more paper for you"
    assert view([paper(1, title="Do Looms Sort?"), paper(2), paper(3)]).subject == (
        "Do Looms Sort? and 2 more papers for you"
    )
    assert view([paper(1, title=FEW_WORDS)]).subject == FEW_WORDS


@pytest.mark.parametrize("papers", [1, 2, 10])
def test_a_long_title_is_shortened_at_a_word_in_the_subject(papers: int) -> None:
    subject = view([paper(n + 1, title="Weaving patterns " * 20) for n in range(papers)]).subject
    assert len(subject) <= SUBJECT_LIMIT
    assert "Weaving…" in subject or "patterns…" in subject


def test_the_preheader_tells_the_next_titles_else_the_reason() -> None:
    two = view([paper(1), paper(2, title="Mills"), paper(3, title="Engines")])
    assert two.preheader == "Mills · Engines"
    assert view([paper(1)]).preheader == "Keyword “sorting”"


def test_picks_stand_in_the_order_of_their_rank() -> None:
    papers = {1: paper(1, title="First"), 2: paper(2, title="Second")}
    shown = edition_view(edition([pick(2), pick(1)]), papers, SITE, links(), say=ENGLISH, considered=2)
    assert [card.paper.title for card in shown.cards] == ["First", "Second"]


def test_the_introduction_says_how_many_were_looked_at_and_picked() -> None:
    papers = [paper(n) for n in range(1, 6)]
    assert view(papers).introduction == "We looked at 187 new papers and picked 5 for you."
    assert view(papers, brief=2).introduction == (
        "We looked at 187 new papers and picked 3 for you, with 2 more in brief."
    )
    assert "worth a glance" in view(papers, brief=5).introduction


def test_an_empty_day_is_told_as_it_is() -> None:
    assert view([]).subject == "Nothing for you among 187 new papers"
    assert "none came close enough" in view([]).introduction
    assert view([], considered=0).subject == "No new papers this time"


UNNAMED = (ReasonKind.NEAR, ReasonKind.POPULAR, ReasonKind.ELSEWHERE, ReasonKind.NEW)
CAME = NOON - timedelta(days=100)


@pytest.mark.parametrize("cadence", [Cadence.DAILY, Cadence.WEEKLY])
def test_what_a_reader_missed_is_said_to_be_that(cadence: Cadence) -> None:
    papers = [paper(1, title=FEW_WORDS), paper(2), paper(3)]
    seen = view(papers, cadence=cadence, since=NOON - timedelta(days=7), came=CAME)
    assert seen.subject == "Looms, and 2 more papers you missed"
    assert seen.kind == "What you missed since 16 Nov"
    assert seen.preheader.startswith("What you missed since 16 Nov · Sorting Punched Cards")
    rendered = Renderer().render(seen)
    assert "What you missed since 16 Nov" in rendered.html
    assert "What you missed since 16 Nov" in rendered.text
    assert view(papers[:1], since=NOON - timedelta(days=7), came=CAME).subject == FEW_WORDS


@pytest.mark.parametrize("cadence", [Cadence.DAILY, Cadence.WEEKLY])
def test_what_a_reader_missed_is_not_said_to_be_of_today_or_this_week(cadence: Cadence) -> None:
    seen = view([paper(1), paper(2), paper(3)], brief=2, cadence=cadence, since=NOON - timedelta(days=30), came=CAME)
    told = [replace(line, why=reason(ENGLISH, Reason(kind, ""), Span.LONGER)) for line in seen.also for kind in UNNAMED]
    rendered = Renderer().render(replace(seen, also=tuple(told)))
    for text in (rendered.html, rendered.text):
        assert "today" not in text.lower()
        assert "this week" not in text.lower()
    assert "\nALSO\n" in rendered.text


def test_the_day_of_what_was_missed_is_that_of_the_reader() -> None:
    late = datetime(2026, 7, 15, 23, 30, tzinfo=UTC)  # past midnight in London
    assert view([paper()], since=late, came=CAME).kind == "What you missed since 16 Jul"
    german = view([paper(), paper(2)], since=late, came=CAME, say=language("de"))
    assert german.kind == "Was Sie seit 16. Juli verpasst haben"
    assert german.subject.endswith("und eine weitere verpasste Arbeit")


def test_a_first_issue_that_goes_back_to_the_day_its_reader_came_missed_nothing() -> None:
    came = NOON - timedelta(days=1, hours=3)
    midnight = came.replace(hour=0)
    assert view([paper()], since=midnight, came=came).kind == "Daily issue"
    assert view([paper()], since=midnight - timedelta(days=6), came=came).kind == "What you missed since 16 Nov"


@pytest.mark.parametrize("cadence", [Cadence.DAILY, Cadence.WEEKDAYS, Cadence.WEEKLY])
@pytest.mark.parametrize("since", [None, NOON - timedelta(days=7)])
def test_a_subject_promises_nothing_for_you_where_nothing_is_close(cadence: Cadence, since: datetime | None) -> None:
    papers = [paper(1, title=FEW_WORDS), paper(2)]
    seen = view(papers, brief=2, cadence=cadence, since=since, came=CAME)
    assert seen.mail == "quiet"
    assert seen.subject == "Worth a glance: Looms"
    long = view([paper(1, title="Weaving patterns " * 20)], brief=1, say=language("de")).subject
    assert long.startswith("Einen Blick wert: Weaving")
    assert len(long) <= SUBJECT_LIMIT


def test_a_paper_without_address_leads_to_its_page_on_our_site() -> None:
    unknown = paper(url="", arxiv_id="", id="title:abc def", repository="")
    card = view([unknown]).cards[0].paper
    assert card.url == "https://papers.example.org/papers/title:abc%20def"
    assert card.links == ()


@pytest.mark.parametrize("url", ["javascript:alert(1)", "ftp://example.org/", "https://example.org/" + "x" * 2000])
def test_an_address_that_may_not_stand_in_a_mail_is_left_out(url: str) -> None:
    card = view([paper(url=url, repository=url, project_page=url)]).cards[0].paper
    assert card.url == "https://arxiv.org/abs/2611.00001"
    assert [link.label for link in card.links] == ["Abstract", "PDF"]


def test_links_make_sense_alone() -> None:
    card = view([paper(arxiv_id="math/0309136", project_page="https://example.org/")]).cards[0].paper
    assert [(link.label, link.url) for link in card.links] == [
        ("Abstract", "https://arxiv.org/abs/math/0309136"),
        ("PDF", "https://arxiv.org/pdf/math/0309136"),
        ("Code", "https://github.com/example/loom"),
        ("Project page", "https://example.org/"),
    ]
    assert card.links[1].name == "PDF: Sorting Punched Cards on a Loom, Part 1"


def test_the_same_reason_is_told_once_and_at_most_three() -> None:
    reasons = [Reason(ReasonKind.KEYWORD, word) for word in ("CTC", "CTC", "loom", "card", "mill")]
    shown = edition_view(
        edition([pick(1, Section.FOR_YOU, *reasons)]), {1: paper()}, SITE, links(), say=ENGLISH, considered=1
    )
    assert shown.cards[0].why == ("Keyword “CTC”", "Keyword “loom”", "Keyword “card”")


def test_the_provenance_names_address_and_rhythm() -> None:
    assert view([]).provenance == (
        "You get Daily Papers every day at 07:00 (Europe/London) because ada@example.com subscribed to it."
    )


def test_keywords_for_which_a_paper_was_picked_are_marked_in_its_key_sentences() -> None:
    shown = paper(1, abstract="We study fine-tuning. Models of speech like finetuning, and <b>more</b>.")
    reasons = (Reason(ReasonKind.KEYWORD, "fine tuning"), Reason(ReasonKind.KEYWORD, "speech"))
    picked = edition([pick(1, Section.FOR_YOU, *reasons)])
    [card] = edition_view(picked, {1: shown}, SITE, links([1]), say=ENGLISH, considered=9).cards
    assert "".join(part.text for part in card.paper.key_sentences) == shown.abstract
    assert [part.text for part in card.paper.key_sentences if part.marked] == ["fine-tuning", "speech"]
