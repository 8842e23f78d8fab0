"""Lists of subscribers as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter import assets, catalogue
from newsletter.errors import ProfileError
from newsletter.model import Cadence, InterestProfile, NewSubscriber, Subscriber, SubscriberStatus, Topic
from newsletter.subscriptions.csv_file import COLUMNS, read, write
from newsletter.subscriptions.signup import Wishes, checked, subscription

TOPICS = catalogue.load(assets.CONFIG / "topics.toml")


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "people.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def one(folder: Path, text: str | bytes, *, confirmed: bool = False) -> NewSubscriber:
    (found,) = read(written(folder, text), TOPICS, confirmed=confirmed).subscribers
    return found


def stored(new: NewSubscriber, status: SubscriberStatus) -> Subscriber:
    return Subscriber(
        key=1,
        public_id="x",
        email=new.email,
        name=new.name,
        status=status,
        profile=new.profile,
        cadence=new.cadence,
        timezone=new.timezone,
        hour=new.hour,
        papers=new.papers,
        language=new.language,
        created_at=datetime(2025, 8, 20, tzinfo=UTC),
    )


def test_every_column_is_read(tmp_path: Path) -> None:
    row = (
        'ada@example.org,"Lovelace, Ada",speech-recognition;robotics:2.5,CTC; speech recognition ,survey,'
        "Alex Graves;Y. Bengio,arxiv:2508.10433;10.1000/abc,weekly,Europe/London,6,12,en-GB,active"
    )
    assert one(tmp_path, f"{','.join(COLUMNS)}\n{row}\n", confirmed=True) == NewSubscriber(
        email="ada@example.org",
        name="Lovelace, Ada",
        profile=InterestProfile(
            topics=(("speech-recognition", 1.0), ("robotics", 2.5)),
            keywords=("CTC", "speech recognition"),
            muted=("survey",),
            authors=("Alex Graves", "Y. Bengio"),
            liked=("arxiv:2508.10433", "doi:10.1000/abc"),
        ),
        cadence=Cadence.WEEKLY,
        timezone="Europe/London",
        hour=6,
        papers=12,
        language="en-GB",
        status=SubscriberStatus.ACTIVE,
    )


def test_the_address_alone_is_enough(tmp_path: Path) -> None:
    assert one(tmp_path, "email\nada@example.org\n") == NewSubscriber("ada@example.org", InterestProfile())


def test_columns_may_stand_in_any_order_and_be_empty(tmp_path: Path) -> None:
    found = one(tmp_path, "hour,cadence,keywords,email\n, ,;; ;,ada@example.org\n")
    assert found == NewSubscriber("ada@example.org", InterestProfile())


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_files_of_spreadsheets_are_read(end: str, mark: bytes, tmp_path: Path) -> None:
    text = end.join(("email,name,keywords", 'ada@example.org,"Ada ""the"" first","a, b;c"', ""))
    found = one(tmp_path, mark + text.encode())
    assert (found.name, found.profile.keywords) == ('Ada "the" first', ("a, b", "c"))


@pytest.mark.parametrize(
    ("status", "confirmed", "becomes"),
    [
        ("active", True, "active"),
        ("", True, "active"),
        (" Active ", True, "active"),
        ("active", False, "pending"),
        ("", False, "pending"),
        ("pending", True, "pending"),
        ("unsubscribed", True, "unsubscribed"),
        ("suppressed", True, "suppressed"),
        ("unsubscribed", False, "unsubscribed"),
    ],
)
def test_nobody_is_active_unless_the_operator_vouches_and_nobody_comes_back_by_a_file(
    status: str, confirmed: bool, becomes: str, tmp_path: Path
) -> None:
    assert one(tmp_path, f"email,status\na@example.org,{status}\n", confirmed=confirmed).status == becomes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("email,colour\na@example.org,red\n", "unknown columns: 'colour'.*known are email,name"),
        ("email,\na@example.org,red\n", "unknown columns: ''"),
        ("Email\na@example.org\n", "unknown columns: 'Email'"),
        ("email,name,email\na@example.org,x,b@example.org\n", "columns twice: email"),
        ("name\nAda\n", "no column email"),
        ("email;name\na@example.org;Ada\n", "unknown columns: 'email;name'"),
        ("", "holds no subscriber"),
        ("email,name\n", "holds no subscriber"),
        ("email,name\n\n\n", "holds no subscriber"),
        ("email,name\na@example.org\n", "line 2: .*another number of columns"),
        ("email,name\na@example.org,Ada,more\n", "line 2: .*another number of columns"),
        ("email,name\na@example.org,Ada\nb@example.org\n", "line 3: .*another number of columns"),
        ("email\n\n\nnobody\n", "line 4: 'nobody' is not an email address"),
        ('email,name\na@example.org,"Ada\nLovelace"\nnobody,x\n', "line 4: 'nobody'"),
        ("email,hour\na@example.org,seven\n", "line 2: hour is 'seven', not a whole number"),
        ("email,hour\na@example.org,-1\n", "line 2: hour is '-1', not a whole number"),
        ("email,hour\na@example.org,7.5\n", "line 2: hour is '7.5', not a whole number"),
        ("email,hour\na@example.org,24\n", "line 2: hour is 24"),
        (f"email,papers\na@example.org,{'9' * 5000}\n", "line 2: papers is '9+', not a whole number"),
        ("email,papers\na@example.org,0\n", "line 2: papers is 0"),
        ("email,cadence\na@example.org,hourly\n", "line 2: cadence is 'hourly'"),
        ("email,timezone\na@example.org,Berlin\n", "line 2: there is no time zone 'Berlin'"),
        ("email,language\na@example.org,??\n", "line 2: language is"),
        ("email,topics\na@example.org,robots\n", "line 2: no such topic: robots"),
        ("email,topics\na@example.org,robotics:x\n", "line 2: 'robotics:x' is no topic"),
        ("email,liked\na@example.org,nice one\n", "line 2: 'nice one' names no paper"),
        ("email,status\na@example.org,actve\n", "line 2: status is 'actve'.*one of pending, active"),
        ('email,name\na@example.org,"Ada\n', "cannot read"),
        ('email,name\na@example.org,"Ada"x\n', "cannot read"),
        (b"email,name\na@example.org,M\xfcller\n", "cannot read.*it must be CSV in UTF-8"),
        ("email,name\na@example.org,Ada\n".encode("utf-16"), "cannot read.*it must be CSV in UTF-8"),
        (f"email,name\na@example.org,{'x' * 200_000}\n", "cannot read"),
    ],
)
def test_every_mistake_is_named_with_its_file_and_line(text: str | bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=said) as caught:
        read(written(tmp_path, text), TOPICS, confirmed=True)
    assert str(tmp_path / "people.csv") in caught.value.message


def test_one_wrong_line_spoils_the_file(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="line 3"):
        read(written(tmp_path, "email\na@example.org\nnobody\nb@example.org\n"), TOPICS, confirmed=True)


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_file_that_cannot_be_read_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot read"):
        read(tmp_path / name, TOPICS, confirmed=True)


def test_the_first_line_names_all_columns_even_of_nobody() -> None:
    assert write([]) == ",".join(COLUMNS) + "\n"


def test_what_is_written_is_plain_csv() -> None:
    new = subscription("a@example.org", Wishes(InterestProfile((("robotics", 2.0),), ("a, b", "c"))), name='A "B"')
    (row,) = csv.DictReader(io.StringIO(write([stored(new, SubscriberStatus.ACTIVE)])))
    assert (row["name"], row["topics"], row["keywords"]) == ('A "B"', "robotics:2", "a, b;c")


TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
PROFILES = st.builds(
    InterestProfile,
    topics=st.lists(st.tuples(st.sampled_from(sorted(TOPICS)), st.floats(1e-9, 10)), max_size=3).map(tuple),
    keywords=st.lists(TEXT, max_size=4).map(tuple),
    muted=st.lists(TEXT, max_size=2).map(tuple),
    authors=st.lists(TEXT, max_size=2).map(tuple),
    liked=st.lists(
        st.sampled_from(["arxiv:2508.10433", "10.1000/a;b", "10.1002/(sici)1,2;3-4", "title:mfrggzdf"]), max_size=3
    ).map(tuple),
)
PEOPLE = st.builds(
    lambda profile, name, **simple: subscription(
        "ada@example.org", checked(Wishes(profile, **simple), TOPICS), name=name
    ),
    profile=PROFILES,
    name=TEXT,
    papers=st.integers(1, 50),
    hour=st.integers(0, 23),
    cadence=st.sampled_from(Cadence),
    timezone=st.sampled_from(["UTC", "Asia/Kathmandu"]),
    language=st.sampled_from(["en", "pt-BR"]),
)


@given(st.lists(st.tuples(PEOPLE, st.sampled_from(SubscriberStatus)), min_size=1, max_size=3))
def test_what_is_exported_is_imported_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, people: list[tuple[NewSubscriber, SubscriberStatus]]
) -> None:
    everyone = [stored(new, status) for new, status in people]
    again = read(written(tmp_path_factory.mktemp("csv"), write(everyone)), TOPICS, confirmed=True).subscribers
    assert [stored(new, new.status) for new in again] == everyone


def test_the_sample_subscribers_are_read(topics: Mapping[str, Topic]) -> None:
    readers = read(assets.SEEDS / "subscribers.csv", topics, confirmed=True).subscribers
    assert len(readers) >= 3
    assert {reader.status for reader in readers} == {SubscriberStatus.ACTIVE}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "'=", "''@"])
def test_words_of_readers_are_no_formulas_to_a_spreadsheet(start: str, tmp_path: Path) -> None:
    phrase = f"{start}HYPERLINK(1)"
    profile = InterestProfile(keywords=("CTC", phrase), muted=(phrase,), authors=(phrase,))
    there = stored(NewSubscriber("ada@example.org", profile, name=phrase), SubscriberStatus.ACTIVE)
    text = write([there])
    cells = [cell for row in csv.reader(io.StringIO(text)) for column in row for cell in column.split(";")]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    back = one(tmp_path, text, confirmed=True)
    assert (back.name, back.profile) == (phrase, profile)
