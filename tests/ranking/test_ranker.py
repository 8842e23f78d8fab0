"""From a day's papers and a profile to picks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from newsletter.model import InterestProfile, Pick, Reason, ReasonKind, Section
from newsletter.ranking.candidates import Candidates
from newsletter.ranking.ranker import Ranker, Wanted
from tests.ranking.papers import NOW, library, paper

LIKED = paper(31, "Attention-based speech recognition", "Spoken words are recognised by an attention model.")
DISLIKED = paper(32, "A survey of speech recognition", "Everything about recognising spoken words.")
LIBRARY = library(LIKED, DISLIKED)
DAY = [
    paper(1, "Soil bacteria after forest fires", "Microbial communities of burnt soils in pine forests.", upvotes=5),
    paper(2, "CTC-based recognition of spoken words", "Speech recognisers with connectionist temporal classification."),
    paper(3, "Minimum wages", "Employment effects of a minimum wage.", authors=("Claudia Goldin", "David Card")),
    paper(4, "Streaming speech recognition with attention", "Spoken words are recognised by an attention model."),
    paper(
        5,
        "Thermonuclear bursts of neutron stars",
        "Bursts on the surface of neutron stars.",
        categories=("astro-ph.HE",),
    ),
    paper(6, "A survey of acoustic models", "Models of spoken language, their training and their errors."),
    paper(7, "Medieval trade routes", "Merchants carried salt and silver over the Alps."),
    paper(8, "Graph colouring", "An algorithm colours planar graphs.", upvotes=50),
]


@pytest.fixture(scope="module")
def day(ranker: Ranker) -> Candidates:
    return ranker.prepare(DAY, [*DAY, LIKED, DISLIKED])


def picked(
    ranker: Ranker,
    day: Candidates,
    profile: InterestProfile,
    *,
    cards: int = 8,
    also: int = 8,
    exclude: Sequence[int] = (),
) -> tuple[Pick, ...]:
    return ranker.pick(day, profile, LIBRARY, cards=cards, also=also, now=NOW, exclude=exclude)


def keys(picks: Sequence[Pick]) -> list[int]:
    return [pick.paper_key for pick in picks]


def reasons_of(picks: Sequence[Pick], key: int) -> tuple[Reason, ...]:
    (reasons,) = [pick.reasons for pick in picks if pick.paper_key == key]
    return reasons


SPEECH = InterestProfile(keywords=("speech recognition", "CTC"))


def test_ranks_count_from_one_over_both_sections(ranker: Ranker, day: Candidates) -> None:
    picks = picked(ranker, day, SPEECH, cards=3, also=2)
    assert [pick.rank for pick in picks] == [1, 2, 3, 4, 5]
    assert [pick.section for pick in picks] == [Section.FOR_YOU] * 3 + [Section.ALSO_TODAY] * 2
    assert sorted((pick.score for pick in picks), reverse=True) == [pick.score for pick in picks]


@pytest.mark.parametrize(("cards", "also", "given"), [(8, 8, 8), (50, 50, 8), (1, 0, 1), (0, 3, 3), (0, 0, 0)])
def test_there_are_never_more_picks_than_asked_for_or_than_papers(
    cards: int, also: int, given: int, ranker: Ranker, day: Candidates
) -> None:
    picks = picked(ranker, day, SPEECH, cards=cards, also=also)
    assert len(picks) == given
    assert sum(pick.section is Section.FOR_YOU for pick in picks) <= cards


def test_a_card_is_a_paper_that_something_speaks_for_and_the_others_are_told_in_brief(
    ranker: Ranker, day: Candidates
) -> None:
    picks = picked(ranker, day, SPEECH, cards=6, also=2)
    cards = [pick for pick in picks if pick.section is Section.FOR_YOU]
    brief = [pick for pick in picks if pick.section is Section.ALSO_TODAY]
    assert {2, 4} <= set(keys(cards)) <= {2, 4, 6}
    assert not any(pick.reasons[0].kind is ReasonKind.NEAR for pick in cards)
    assert len(brief) == 2
    assert picks == (*cards, *brief)


def test_papers_sent_before_are_left_out(ranker: Ranker, day: Candidates) -> None:
    assert set(keys(picked(ranker, day, SPEECH, exclude=[2, 4, 99]))) == {1, 3, 5, 6, 7, 8}


def test_rated_papers_are_never_picked(ranker: Ranker) -> None:
    day = ranker.prepare([*DAY, LIKED, DISLIKED], DAY)
    profile = InterestProfile(liked=(LIKED.id,), disliked=(DISLIKED.id,))
    assert not {LIKED.key, DISLIKED.key} & set(keys(picked(ranker, day, profile, cards=20)))


def test_muted_words_leave_papers_out_in_every_form(ranker: Ranker, day: Candidates) -> None:
    muted = InterestProfile(keywords=SPEECH.keywords, muted=("surveys", "minimum-wage", "CTC"))
    assert set(keys(picked(ranker, day, muted))) == {1, 4, 5, 7, 8}
    nothing = InterestProfile(keywords=SPEECH.keywords, muted=("", " ", "no such word"))
    assert len(picked(ranker, day, nothing)) == 8


def test_a_reader_who_mutes_everything_gets_nothing(ranker: Ranker, day: Candidates) -> None:
    everything = InterestProfile(muted=("of", "a", "an", "the", "speech"))
    assert picked(ranker, day, everything) == ()


def test_an_empty_profile_gets_what_is_popular_and_what_is_new(ranker: Ranker, day: Candidates) -> None:
    picks = picked(ranker, day, InterestProfile())
    assert keys(picks) == [8, 1, 2, 3, 4, 5, 6, 7]
    assert reasons_of(picks, 8) == (Reason(ReasonKind.POPULAR, "50 upvotes"),)
    assert reasons_of(picks, 2) == (Reason(ReasonKind.NEW, ""),)


def test_equals_come_in_the_order_of_announcement(ranker: Ranker) -> None:
    papers = [paper(key, "The same title", "The same abstract.") for key in (5, 3, 9, 1)]
    for profile in (InterestProfile(), SPEECH, InterestProfile(liked=(LIKED.id,))):
        assert keys(picked(ranker, ranker.prepare(papers, DAY), profile)) == [5, 3, 9, 1]


def test_the_same_again_gives_the_same(ranker: Ranker, day: Candidates) -> None:
    profile = InterestProfile(
        topics=(("speech-recognition", 1.0),), keywords=("neutron star",), liked=(LIKED.id,), authors=("D. Card",)
    )
    first = picked(ranker, day, profile)
    assert picked(ranker, day, profile) == first
    assert picked(ranker, ranker.prepare(DAY, [*DAY, LIKED, DISLIKED]), profile) == first


def test_many_readers_get_together_what_each_would_get_alone(ranker: Ranker, monkeypatch: pytest.MonkeyPatch) -> None:
    papers = [LIKED, DISLIKED, *DAY]
    names = [one.id for one in papers]
    profiles = [
        InterestProfile(liked=tuple(names[:1])),
        InterestProfile(liked=tuple(names[1:4]), disliked=tuple(names[:1])),
        InterestProfile(liked=tuple(names[2:]), keywords=("speech recognition",), topics=(("robotics", 2.0),)),
        SPEECH,
        InterestProfile(keywords=("neutron star", "speech recognition"), muted=("words",)),
        InterestProfile(interests="Speech recognition for robots. Neutron stars, and black holes!"),
        InterestProfile(topics=(("speech-recognition", 1.0), ("high-energy-astrophysics", 0.5))),
        InterestProfile(authors=("Ada Lovelace",)),
        InterestProfile(),
    ]
    wanted = [
        Wanted(profile, cards, exclude) for profile in profiles for cards, exclude in ((9, ()), (3, (DAY[0].key,)))
    ]
    together = ranker.pick_each(ranker.prepare(DAY, DAY), wanted, library(*papers), also=3, now=NOW)
    alone = [ranker.pick_each(ranker.prepare(DAY, DAY), [one], library(*papers), also=3, now=NOW)[0] for one in wanted]
    assert together == alone
    assert ranker.pick_each(ranker.prepare(DAY, DAY), [], {}, also=3, now=NOW) == []
    monkeypatch.setattr("newsletter.ranking.ranker._NUMBERS", 3 * len(DAY))
    in_threes = ranker.pick_each(ranker.prepare(DAY, DAY), wanted, library(*papers), also=3, now=NOW)
    assert in_threes == alone


def test_the_order_that_is_evaluated_is_the_order_of_the_picks(ranker: Ranker, day: Candidates) -> None:
    rows = ranker.order_each(day, [SPEECH], LIBRARY)[0]
    place = {day.papers[row].key: number for number, row in enumerate(rows)}
    for section in Section:
        ranked = [place[pick.paper_key] for pick in picked(ranker, day, SPEECH) if pick.section is section]
        assert ranked == sorted(ranked)
    assert len(place) == len(picked(ranker, day, SPEECH))


def test_a_keyword_is_given_as_a_reason_only_where_it_stands(ranker: Ranker, day: Candidates) -> None:
    picks = picked(ranker, day, SPEECH)
    for pick in picks:
        text = f"{DAY[pick.paper_key - 1].title} {DAY[pick.paper_key - 1].abstract}"
        named = {reason.matched for reason in pick.reasons if reason.kind is ReasonKind.KEYWORD}
        assert named == {word for word in SPEECH.keywords if word.lower() in text.lower()}
    assert reasons_of(picks, 2)[0] == Reason(ReasonKind.KEYWORD, "CTC")
    assert reasons_of(picks, 4)[0] == Reason(ReasonKind.KEYWORD, "speech recognition")


def test_every_kind_of_reason_names_what_in_the_profile_matched(ranker: Ranker, day: Candidates) -> None:
    profile = InterestProfile(
        topics=(("speech-recognition", 1.0), ("high-energy-astrophysics", 1.0)),
        keywords=("CTC", "recognising spoken language"),
        authors=("D. Card",),
        liked=(LIKED.id,),
        interests="Trade and merchants in the middle ages.",
    )
    picks = picked(ranker, day, profile)
    kinds = {key: {reason.kind: reason.matched for reason in reasons_of(picks, key)} for key in range(1, 9)}
    assert kinds[3][ReasonKind.AUTHOR] == "David Card"
    assert kinds[2][ReasonKind.KEYWORD] == "CTC"
    assert kinds[4][ReasonKind.LIKED_PAPER] == LIKED.title
    assert kinds[4][ReasonKind.TOPIC] == ranker._topics["speech-recognition"].title
    assert kinds[5] == {ReasonKind.TOPIC: ranker._topics["high-energy-astrophysics"].title}
    assert kinds[7][ReasonKind.INTERESTS] == "Trade and merchants in the middle ages."
    assert set(kinds[1]) == {ReasonKind.NEAR}


@pytest.mark.parametrize(
    "profile",
    [
        SPEECH,
        InterestProfile(topics=(("robotics", 1.0), ("genomics", 1.0))),
        InterestProfile(liked=(LIKED.id,)),
        InterestProfile(liked=(LIKED.id,), keywords=("CTC", "spoken words", "speech", "attention", "recognition")),
        InterestProfile(authors=("Goldin",)),
        InterestProfile(interests="What is new in robotics?"),
        InterestProfile(disliked=(LIKED.id,)),
        InterestProfile(),
    ],
)
def test_every_pick_has_one_to_three_reasons_and_none_twice(
    profile: InterestProfile, ranker: Ranker, day: Candidates
) -> None:
    for pick in picked(ranker, day, profile):
        assert 1 <= len(pick.reasons) <= 3
        assert len(set(pick.reasons)) == len(pick.reasons)


def test_where_nothing_speaks_for_a_pick_the_nearest_is_named_as_such(ranker: Ranker, day: Candidates) -> None:
    picks = picked(ranker, day, InterestProfile(topics=(("quantum-computing", 1.0), ("genomics", 1.0))))
    assert reasons_of(picks, 7)[0].kind is ReasonKind.NEAR
    assert reasons_of(picks, 1) == (Reason(ReasonKind.NEAR, ranker._topics["genomics"].title),)
    liked = picked(ranker, day, InterestProfile(liked=(LIKED.id,)))
    assert reasons_of(liked, 7) == (Reason(ReasonKind.NEAR, LIKED.title),)


def test_topics_and_liked_papers_that_are_not_known_any_more_are_passed_over(ranker: Ranker, day: Candidates) -> None:
    gone = InterestProfile(topics=(("no-such-topic", 1.0),), liked=("arxiv:0000.00000",), disliked=("doi:10.1/x",))
    assert keys(picked(ranker, day, gone)) == keys(picked(ranker, day, InterestProfile()))


def test_a_day_without_papers_gives_no_picks(ranker: Ranker) -> None:
    assert picked(ranker, ranker.prepare([], DAY), SPEECH) == ()


def test_no_candidate_informs_what_papers_are_like_in_general(ranker: Ranker) -> None:
    one = ranker.prepare(DAY, [LIKED, DISLIKED])
    other = ranker.prepare(
        [*DAY[:-1], paper(8, "Neutron neutron neutron", "Wholly different words.")], [LIKED, DISLIKED]
    )
    for name in ("mean", "eigenvalues", "eigenvectors", "vectors"):
        assert (getattr(one.background, name) == getattr(other.background, name)).all()
    assert (one.words._worth == other.words._worth).all()
    assert (one.words._terms == other.words._terms).all()
