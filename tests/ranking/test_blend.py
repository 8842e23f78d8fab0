"""How several kinds of evidence become one score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from newsletter.model import InterestProfile, Paper, Topic
from newsletter.ranking import blend
from newsletter.ranking.candidates import Candidates, same_name
from newsletter.ranking.columns import softmax_join, standard
from newsletter.ranking.encoder import CachedEncoder
from newsletter.ranking.interests import kindred_each, understand
from newsletter.ranking.ranker import Ranker
from newsletter.ranking.words import Words
from tests.ranking.papers import NOW, library, paper

SPEECH = [
    paper(1, "End-to-end speech recognition with CTC", "Recognising speech by connectionist temporal classification."),
    paper(2, "Streaming automatic speech recognition", "Acoustic models for spoken language, with lower word errors."),
    paper(3, "Speaker adaptation of acoustic models", "Speech recognisers are adapted to the voice of a speaker."),
]
STARS = [
    paper(11, "Neutron star mergers and kilonovae", "Gravitational waves and light from two merging neutron stars."),
    paper(12, "Black holes at the centres of galaxies", "Accretion onto supermassive black holes in galaxies."),
    paper(13, "X-ray bursts of neutron stars", "Thermonuclear bursts on the surface of neutron stars."),
]
OTHERS = [
    paper(21, "Soil bacteria after forest fires", "Microbial communities of burnt soils in pine forests."),
    paper(22, "Labour markets and minimum wages", "Employment effects of a minimum wage among young workers."),
    paper(23, "Graph colouring in polynomial time", "An algorithm colours planar graphs with few colours."),
    paper(24, "Bird migration across the Sahara", "Songbirds rest in oases while they cross the desert."),
    paper(25, "Medieval trade routes", "Merchants carried salt and silver over the Alps."),
    paper(26, "Elastic metamaterials", "Lattices with negative stiffness bend sound."),
]
DAY = [*OTHERS[:3], *SPEECH, *OTHERS[3:], *STARS]
LIKED_SPEECH = paper(31, "Attention-based speech recognition", "Spoken words are recognised by an attention model.")
LIKED_STARS = paper(32, "Masses of neutron stars in binaries", "Pulsar timing tells the masses of neutron stars.")
LIBRARY = library(LIKED_SPEECH, LIKED_STARS, *SPEECH)


@pytest.fixture(scope="module")
def day(quick_ranker: Ranker) -> Candidates:
    return quick_ranker.prepare(DAY, [*DAY, *LIBRARY.values()])


def scored(ranker: Ranker, candidates: Candidates, profile: InterestProfile) -> dict[int, float]:
    interests = understand(profile, ranker._topics, LIBRARY, ranker._encoder)
    return dict(
        zip((one.key for one in candidates.papers), blend.scores(candidates, [interests])[0].tolist(), strict=True)
    )


def best(scores: Mapping[int, float], count: int) -> set[int]:
    return set(sorted(scores, key=lambda key: -scores[key])[:count])


def keys(papers: Sequence[Paper]) -> set[int]:
    return {one.key for one in papers}


@pytest.mark.parametrize(
    "profile",
    [
        InterestProfile(keywords=("speech recognition", "neutron star")),
        InterestProfile(interests="Speech recognition. Neutron stars and black holes."),
        InterestProfile(topics=(("speech-recognition", 1.0), ("high-energy-astrophysics", 1.0))),
        InterestProfile(liked=(LIKED_SPEECH.id, LIKED_STARS.id)),
        InterestProfile(topics=(("speech-recognition", 1.0),), keywords=("neutron star", "black hole")),
        InterestProfile(topics=(("high-energy-astrophysics", 1.0),), liked=(LIKED_SPEECH.id,)),
        InterestProfile(keywords=("neutron star", "black hole"), liked=(LIKED_SPEECH.id,)),
    ],
    ids=["keywords", "free text", "topics", "liked", "topic and keywords", "topic and liked", "keywords and liked"],
)
def test_of_two_unrelated_interests_neither_is_drowned(
    profile: InterestProfile, quick_ranker: Ranker, day: Candidates
) -> None:
    top = best(scored(quick_ranker, day, profile), 6)
    assert len(top & keys(SPEECH)) >= 2
    assert len(top & keys(STARS)) >= 2
    assert len(top & keys(SPEECH + STARS)) >= 5


def test_a_soft_maximum_is_a_little_above_the_greatest() -> None:
    one, other = np.array([3.0, 0.0, 1.0], np.float32), np.array([-3.0, 2.0, 1.0], np.float32)
    weights, counts = np.ones(3, np.float32), np.array([2, 0, 1])
    joined, none, alone = softmax_join(np.stack([one, other, one]), weights, counts)
    assert (joined >= np.maximum(one, other)).all()
    assert (joined <= np.maximum(one, other) + np.log(2) / 2 + 1e-6).all()
    assert np.allclose(alone, one, atol=1e-6)
    assert np.array_equal(none, np.zeros(3))


def test_a_weight_lifts_a_whole_interest(quick_ranker: Ranker, day: Candidates) -> None:
    def top(speech: float, stars: float) -> int:
        topics = (("speech-recognition", speech), ("high-energy-astrophysics", stars))
        return next(iter(best(scored(quick_ranker, day, InterestProfile(topics=topics)), 1)))

    assert top(10, 0.1) in keys(SPEECH)
    assert top(0.1, 10) in keys(STARS)


def test_a_column_is_centred_and_scaled_but_noise_is_not_blown_up() -> None:
    column = np.array([1.0, 2.0, 3.0], np.float32)
    centred = standard(column, 0.02)
    assert float(centred.mean()) == pytest.approx(0, abs=1e-6)
    assert float(centred.std()) == pytest.approx(1, abs=1e-6)
    assert np.abs(standard(column * 1e-4, 0.08)).max() < 0.01
    assert np.array_equal(standard(np.full(4, 0.7, np.float32), 0.08), np.zeros(4))


def test_without_a_profile_votes_rank(quick_ranker: Ranker) -> None:
    voted = [paper(1, "A"), paper(2, "B", upvotes=3), paper(3, "C", upvotes=300), paper(4, "D", upvotes=0)]
    scores = scored(quick_ranker, quick_ranker.prepare(voted, []), InterestProfile())
    assert scores[3] > scores[2] > scores[1] == scores[4] == 0


def test_a_followed_author_lifts_a_paper_as_far_as_any_nearness_does(quick_ranker: Ranker) -> None:
    papers = [*SPEECH, *OTHERS, paper(99, "Medieval trade routes", authors=("Yoshua Bengio", "A. Merchant"))]
    candidates = quick_ranker.prepare(papers, DAY)
    plain = scored(quick_ranker, candidates, InterestProfile(keywords=("speech",)))
    followed = scored(quick_ranker, candidates, InterestProfile(keywords=("speech",), authors=("Y. Bengio",)))
    assert followed[99] == pytest.approx(plain[99] + 3)
    assert {key: score for key, score in followed.items() if key != 99} == {
        key: score for key, score in plain.items() if key != 99
    }
    assert best(plain, 3) == keys(SPEECH)
    assert 99 in best(followed, 4)


@pytest.mark.parametrize(
    ("wanted", "author", "same"),
    [
        ("Bengio", "Yoshua Bengio", True),
        ("Y. Bengio", "Yoshua Bengio", True),
        ("Yoshua Bengio", "Bengio, Y.", True),
        ("bengio, yoshua", "Yoshua Bengio", True),
        ("Samy Bengio", "Yoshua Bengio", False),
        ("S. Bengio", "Yoshua Bengio", False),
        ("Jürgen Schmidhuber", "J. Schmidhuber", True),
        ("Juergen Schmidhuber", "Jürgen Schmidhuber", False),
        ("Jurgen Schmidhuber", "Jürgen Schmidhuber", True),
        ("Ada B. Lovelace", "Ada Lovelace", True),
        ("Ada B. Lovelace", "Ada C. Lovelace", False),
        ("A. B. Lovelace", "Ada Byron Lovelace", True),
        ("Jean-Luc Picard", "J.-L. Picard", True),
        ("Jean-Luc Picard", "J. Picard", True),
        ("Dora A. Wood", "DA Wood", True),
        ("Dora Wood", "DA Wood", True),
        ("Dora B. Wood", "DA Wood", False),
        ("Emma Wood", "DA Wood", False),
        ("Bo Wood", "ANNA WOOD", False),
        ("Li Wei", "LI Wei", True),
        ("Yoshua", "Yoshua Bengio", False),
    ],
)
def test_names_are_one_persons_where_nothing_contradicts_it(wanted: str, author: str, same: bool) -> None:
    assert same_name(wanted, author) is same
    assert same_name(author, wanted) is same


@pytest.mark.parametrize("name", ["", " ", ".", ",", "-"])
def test_a_name_without_letters_follows_nobody(name: str, quick_ranker: Ranker) -> None:
    candidates = quick_ranker.prepare([paper(1, "A", authors=(".", "", "Ada Lovelace"))], [])
    assert candidates.by_author(name) == {}


def test_an_author_may_be_only_one_of_those_of_the_name(quick_ranker: Ranker) -> None:
    candidates = quick_ranker.prepare(
        [paper(1, "A", authors=("Samy Bengio",)), paper(2, "B", authors=("Y Bengio",))], []
    )
    assert candidates.by_author("Yoshua Bengio") == {1: "Y Bengio"}
    assert candidates.by_author("Bengio") == {0: "Samy Bengio", 1: "Y Bengio"}


def test_dislikes_lower_what_is_like_them_by_at_most_one(quick_ranker: Ranker, day: Candidates) -> None:
    liking = InterestProfile(topics=(("high-energy-astrophysics", 1.0),))
    plain = scored(quick_ranker, day, liking)
    with_dislikes = scored(
        quick_ranker, day, InterestProfile(topics=liking.topics, disliked=tuple(one.id for one in SPEECH))
    )
    for one in day.papers:
        assert plain[one.key] - 1 - 1e-6 <= with_dislikes[one.key] <= plain[one.key] + 1e-6
    assert all(with_dislikes[one.key] < plain[one.key] for one in SPEECH)
    assert all(with_dislikes[one.key] == pytest.approx(plain[one.key]) for one in STARS)


def test_dislikes_never_outweigh_likes(quick_ranker: Ranker) -> None:
    twin = paper(51, LIKED_SPEECH.title, LIKED_SPEECH.abstract)
    candidates = quick_ranker.prepare([*OTHERS, twin], DAY)
    liking = InterestProfile(liked=(LIKED_SPEECH.id,))
    both = InterestProfile(liked=liking.liked, disliked=tuple(one.id for one in SPEECH))
    assert scored(quick_ranker, candidates, both)[51] == pytest.approx(scored(quick_ranker, candidates, liking)[51])
    assert best(scored(quick_ranker, candidates, both), 1) == {51}


def test_only_dislikes_rank_by_votes(quick_ranker: Ranker, day: Candidates) -> None:
    assert set(scored(quick_ranker, day, InterestProfile(disliked=(LIKED_SPEECH.id,))).values()) == {0.0}


FULL = InterestProfile(
    topics=(("speech-recognition", 1.0), ("robotics", 0.5)),
    keywords=("CTC", "neutron star", "nowhere to be found"),
    authors=("Ada Lovelace",),
    liked=(LIKED_SPEECH.id, "title:unknown"),
    disliked=(LIKED_STARS.id,),
    interests="I am a student. Speech recognition for robots. Labour markets!",
)
PROFILES = [
    InterestProfile(),
    FULL,
    InterestProfile(topics=FULL.topics),
    InterestProfile(keywords=FULL.keywords),
    InterestProfile(interests=FULL.interests),
    InterestProfile(liked=FULL.liked),
    InterestProfile(liked=("title:unknown",)),
    InterestProfile(authors=FULL.authors),
    InterestProfile(keywords=("", " ", "+", "\ud800"), interests=" . ; "),
]


@pytest.mark.parametrize(
    "papers",
    [
        [],
        DAY[:1],
        DAY[:2],
        [paper(key, "The same", "The same words.") for key in range(5)],
        [paper(1, "…"), paper(2, "")],
    ],
    ids=["none", "one", "two", "all alike", "no words"],
)
@pytest.mark.parametrize("background", [[], DAY[:1], DAY], ids=["no", "one", "some"])
@pytest.mark.parametrize("catalogue", [True, False], ids=["with topics", "without topics"])
def test_odd_days_give_finite_scores(
    papers: list[Paper], background: list[Paper], catalogue: bool, quick_ranker: Ranker
) -> None:
    ranker = quick_ranker if catalogue else Ranker(quick_ranker._encoder, {})
    candidates = ranker.prepare(papers, background)
    for profile in PROFILES:
        scores = list(scored(ranker, candidates, profile).values())
        assert len(scores) == len(papers)
        assert np.isfinite(scores).all()
        picks = ranker.pick(candidates, profile, LIBRARY, cards=3, also=2, now=NOW)
        assert [pick.rank for pick in picks] == list(range(1, len(picks) + 1))
        if len({one.title for one in papers}) == 1:
            assert np.ptp(scores) < 1e-5


def test_keywords_that_have_nothing_in_common_stay_apart(cached_minilm: CachedEncoder) -> None:
    words = ["neutron star", "labour market", "black hole", "minimum wage"]
    several = [words, [], ["one"], ["", "one"]]
    groups, none, one, empty = kindred_each([(some, cached_minilm.encode(some)) for some in several], cached_minilm)
    assert sorted(map(sorted, groups)) == [["black hole", "neutron star"], ["labour market", "minimum wage"]]
    assert none == []
    assert one == [["one"]]
    assert empty in ([["", "one"]], [[""], ["one"]])


@pytest.mark.parametrize(
    ("text", "passages"),
    [
        ("", []),
        ("Robots", ["Robots"]),
        ("Robots that learn from video. Labour economics.", ["Robots that learn from video.", "Labour economics."]),
        (
            "I am a PhD student. Robots that learn from video. Thanks! Black holes and neutron stars.",
            ["I am a PhD student. Robots that learn from video. Thanks!", "Black holes and neutron stars."],
        ),
        ("Thanks! I like coffee.", ["Thanks! I like coffee."]),
        ("genomics of plants; evolution of plants", ["genomics of plants evolution of plants"]),
    ],
)
def test_the_subjects_of_a_free_text_are_told_apart(text: str, passages: list[str], ranker: Ranker) -> None:
    interests = understand(InterestProfile(interests=text), ranker._topics, {}, ranker._encoder)
    assert [query.text for query in interests.words] == passages


def test_a_topic_speaks_through_its_categories_and_keywords(quick_ranker: Ranker, topics: Mapping[str, Topic]) -> None:
    first = topics["algebraic-geometry"].categories[0]
    papers = [
        paper(1, "On a question of Severi", categories=("math.HO",)),
        paper(2, "On a question of Severi", categories=(first,)),
        paper(3, "On a question of Severi", categories=("math.HO", first)),
        paper(4, "On a question of Severi", topics["algebraic-geometry"].keywords[0]),
        *OTHERS,
    ]
    profile = InterestProfile(topics=(("algebraic-geometry", 1.0),))
    scores = scored(quick_ranker, quick_ranker.prepare(papers, DAY), profile)
    assert scores[2] > scores[3] > scores[1]
    assert scores[4] > scores[1]


def test_word_frequencies_need_no_words() -> None:
    for texts in ([], [""], ["the of and"], ["."] * 30):
        assert Words(texts).matrix(["speech recognition", ""]).shape[0] == 2


def test_what_is_remembered_changes_no_score(quick_ranker: Ranker) -> None:
    used = quick_ranker.prepare(DAY, DAY)
    for profile in PROFILES:
        scored(quick_ranker, used, profile)
    for profile in (FULL, InterestProfile(liked=FULL.liked)):
        assert scored(quick_ranker, used, profile) == scored(quick_ranker, quick_ranker.prepare(DAY, DAY), profile)


def test_a_free_text_is_named_as_it_was_written(ranker: Ranker) -> None:
    text = "How people work with assistants; accessibility\nI am a student. Why?"
    [query] = understand(InterestProfile(interests=text), ranker._topics, {}, ranker._encoder).words
    assert query.label == "How people work with assistants; accessibility; I am a student. Why?"
    assert query.text == "How people work with assistants accessibility I am a student. Why?"
