"""The words of the project as types: papers, profiles, issues, editions, deliveries.

Frozen values and closed vocabularies only. What a source gives (`PaperRecord`) and what the store holds (`Paper`), what
is asked to be written (`NewSubscriber`) and what is read (`Subscriber`) are different types, so that nothing is ever
half filled. All datetimes are aware and in UTC unless a name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum


class Cadence(StrEnum):
    """How often a subscriber is mailed."""

    DAILY = "daily"
    WEEKDAYS = "weekdays"
    WEEKLY = "weekly"
    PAUSED = "paused"


class QuietDay(StrEnum):
    """What a subscriber wants on a day on which nothing speaks to their interests.

    A short note, nothing, or what the last days had for them beyond what their issues could hold.
    """

    NOTE = "note"
    SILENCE = "silence"
    MISSED = "missed"


class Queue(StrEnum):
    """The kinds of work that are handed to workers; one may confine itself to some."""

    SCHEDULE = "schedule"
    PAPERS = "papers"
    RANKING = "ranking"
    DELIVERY = "delivery"


class SubscriberStatus(StrEnum):
    """Where a subscription stands. Only `ACTIVE` is ever mailed an issue."""

    PENDING = "pending"
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"
    SUPPRESSED = "suppressed"


class Announce(StrEnum):
    """What kind of news a source says a paper is (arXiv's own vocabulary)."""

    NEW = "new"
    CROSS = "cross"
    REPLACE = "replace"
    REPLACE_CROSS = "replace-cross"


class Section(StrEnum):
    """Which part of an edition a pick stands in."""

    FOR_YOU = "for_you"
    ALSO_TODAY = "also_today"


class ReasonKind(StrEnum):
    """What in a profile (or outside it) speaks for a pick.

    `NEAR`: nothing does, this part of it is just nearest. `ELSEWHERE`: nothing should, it is there to look around.
    """

    KEYWORD = "keyword"
    AUTHOR = "author"
    TOPIC = "topic"
    LIKED_PAPER = "liked_paper"
    INTERESTS = "interests"
    NEAR = "near"
    POPULAR = "popular"
    ELSEWHERE = "elsewhere"
    NEW = "new"


class IssueState(StrEnum):
    """Where an issue stands. Only an open one is sent: a draft waits for approval, a paused one to be resumed."""

    DRAFT = "draft"
    OPEN = "open"
    PAUSED = "paused"


class DeliveryState(StrEnum):
    """What became of one edition. `delivery.states` holds the changes that are allowed."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    BOUNCED = "bounced"
    UNCERTAIN = "uncertain"
    SKIPPED = "skipped"


class BounceKind(StrEnum):
    """What a mail that came back means. `HARD`: the address or its domain can never receive; `SOFT`: not this time."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class PaperRecord:
    """One paper as one source announces it.

    `arxiv_id` carries no version (`2508.10433`, `math/0309136`), `doi` is in lower case; both are empty where the
    source does not say. `url` and the other links are http(s) or empty. Texts are plain, in NFC, white space folded.
    """

    title: str
    abstract: str = ""
    authors: tuple[str, ...] = ()
    url: str = ""
    arxiv_id: str = ""
    doi: str = ""
    categories: tuple[str, ...] = ()
    published_at: datetime | None = None
    upvotes: int | None = None
    repository: str = ""
    project_page: str = ""
    thumbnail: str = ""
    announce: Announce = Announce.NEW


@dataclass(frozen=True, slots=True)
class Digest:
    """What one document of a source holds: its papers, and the day it is about, where it says so.

    `title` is what readers are shown as the place a paper was announced ("Hugging Face Daily Papers"). `unchanged`:
    the source says that nothing is new since it was last read; there are no records then.
    """

    title: str
    records: tuple[PaperRecord, ...]
    day: date | None = None
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Announcement:
    """That a source announced a paper: which, on which day (None where it did not say), and when we saw it first."""

    source: str
    title: str
    day: date | None
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class SourceState:
    """How a configured source has been doing: `failures` in a row, and when it asked us to come back, if it did.

    `etag`, `last_modified` and the `url` that gave them tell whether it has changed since.
    """

    name: str
    etag: str
    last_modified: str
    url: str
    failures: int
    last_error: str
    last_success_at: datetime | None
    retry_at: datetime | None


@dataclass(frozen=True, slots=True)
class Paper:
    """One work, whatever sources announced it.

    `id` is `arxiv:2508.10433`, `doi:10.…` or `title:<fingerprint>` and may become better when a source tells more;
    `key` never changes. `announced` is False for a paper that no source has announced: it stands in a reader's library,
    and is nobody's news.
    """

    key: int
    id: str
    title: str
    abstract: str
    authors: tuple[str, ...]
    categories: tuple[str, ...]
    url: str
    arxiv_id: str
    doi: str
    published_at: datetime | None
    first_seen_at: datetime
    upvotes: int | None
    repository: str
    project_page: str
    thumbnail: str
    announced: bool = True
    announcements: tuple[Announcement, ...] = ()

    def __hash__(self) -> int:
        """Of the key alone: what is worked out of papers is remembered by them, for each of the mails they are in."""
        return self.key


@dataclass(frozen=True, slots=True)
class Topic:
    """An entry of the topic catalogue."""

    slug: str
    title: str
    field: str
    description: str
    keywords: tuple[str, ...]
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a subscriber answered to a paper they were shown: more like this, or not for me."""

    paper: str
    liked: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class InterestProfile:
    """What one subscriber wants. `topics` maps slugs to weights.

    `liked` and `disliked` are ids of papers that they named, or that stand in their library; those count for good.
    `answers` are what they said of papers they were shown, oldest first; those fade.
    """

    topics: tuple[tuple[str, float], ...] = ()
    keywords: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    liked: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()
    interests: str = ""
    answers: tuple[Answer, ...] = ()

    @property
    def rated(self) -> tuple[str, ...]:
        """The ids of all papers that they said something of."""
        return (*self.liked, *self.disliked, *(answer.paper for answer in self.answers))


@dataclass(frozen=True, slots=True)
class NewSubscriber:
    """A subscriber to be written. `hour` is 0–23 in `timezone` (an IANA name); `papers` is the number of cards."""

    email: str
    profile: InterestProfile
    name: str = ""
    cadence: Cadence = Cadence.DAILY
    timezone: str = "UTC"
    hour: int = 7
    papers: int = 10
    language: str = "en"
    quiet: QuietDay = QuietDay.NOTE
    status: SubscriberStatus = SubscriberStatus.PENDING


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscriber as stored. `public_id` is the random name used in links; the address never stands in one.

    Until `paused_until` no issue is made for them. `cadence_chosen_at` is when they last changed the cadence by
    themselves, on a page; None: it is as it was at the beginning, or as the operator set it. `of_file`: they are kept
    in step with the operator's file of subscribers.
    """

    key: int
    public_id: str
    email: str
    name: str
    status: SubscriberStatus
    profile: InterestProfile
    cadence: Cadence
    timezone: str
    hour: int
    papers: int
    language: str
    created_at: datetime
    quiet: QuietDay = QuietDay.NOTE
    paused_until: datetime | None = None
    cadence_chosen_at: datetime | None = None
    of_file: bool = False


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of the subscribers: those whose keys are above `after` and, where that is set, at most `upto`."""

    after: int = 0
    upto: int | None = None


EVERYBODY = Shard()


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of `first_seen_at` that an issue covers: `start` ≤ t < `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Issue:
    """One dated edition of the newsletter. `key` is 0 for an issue that is only being previewed."""

    key: int
    cadence: Cadence
    day: date
    window: Window
    state: IssueState


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a paper was picked: `matched` names the keyword, author, topic title or liked paper's title."""

    kind: ReasonKind
    matched: str

    def __hash__(self) -> int:
        """Of what matched alone, as with papers."""
        return hash(self.matched)


@dataclass(frozen=True, slots=True)
class Pick:
    """One paper in one subscriber's issue. `rank` counts from 1 over both sections; reasons are strongest first."""

    paper_key: int
    rank: int
    section: Section
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Edition:
    """An issue as one subscriber gets it.

    `since` is where it begins for a reader who missed some issues: before this one does. None: with the issue.
    """

    issue: Issue
    subscriber: Subscriber
    picks: tuple[Pick, ...]
    since: datetime | None = None

    @property
    def window(self) -> Window:
        """What it was chosen from."""
        return Window(self.since or self.issue.window.start, self.issue.window.end)


@dataclass(frozen=True, slots=True)
class Delivery:
    """The row that says what became of one edition. `attempts` counts the SMTP transactions begun."""

    key: int
    issue_key: int
    subscriber_key: int
    state: DeliveryState
    attempts: int
    message_id: str
    response: str


@dataclass(frozen=True, slots=True)
class Message:
    """A mail ready for a transport: `data` is the raw RFC 5322 message with CRLF line ends.

    `sound`: who made it vouches that every CR and LF in it is part of a CRLF, that it ends with one, and that no line
    begins with a dot. Of any other message, whoever sends it looks.
    """

    recipient: str
    envelope_sender: str
    message_id: str
    subject: str
    html: str = field(repr=False)
    text: str = field(repr=False)
    data: bytes = field(repr=False)
    sound: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a transport says became of one message. `response` is the server's reply, or the error, for the record."""

    state: DeliveryState
    response: str = ""

    @property
    def problem(self) -> str:
        """What kept the message from leaving; '' where it left."""
        return "" if self.state is DeliveryState.SENT else self.response or str(self.state)
