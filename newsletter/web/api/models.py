"""What the API takes and gives."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from newsletter.model import Cadence, DeliveryState, IssueState, Paper, QuietDay, Subscriber, SubscriberStatus
from newsletter.store.webhooks import Webhook

MOST = 200
LARGEST = 2**62  # no key is larger, and no database's integer smaller

Item = TypeVar("Item")


def _text(value: str) -> str:
    if "\x00" in value:
        raise ValueError("must not hold NUL")
    value.encode("utf-8")  # a lone surrogate is a ValueError
    return value


Text = Annotated[str, AfterValidator(_text)]
Entry = Annotated[Text, Field(max_length=200)]
Limit = Annotated[int, Field(ge=1, le=MOST)]
After = Annotated[int, Field(ge=0, le=LARGEST)]


class Page(BaseModel, Generic[Item]):
    """Some items. `next` is what the parameter `after` takes to give those behind them; null where there are none."""

    items: list[Item]
    next: int | None


class PaperOut(BaseModel):
    """A paper that a source announced."""

    id: str
    title: str
    abstract: str
    authors: list[str]
    categories: list[str]
    url: str
    arxiv_id: str
    doi: str
    published_at: datetime | None
    first_seen_at: datetime
    upvotes: int | None

    @classmethod
    def of(cls, paper: Paper) -> PaperOut:
        """Give a paper as the API gives it."""
        return cls(**{name: getattr(paper, name) for name in cls.model_fields})


class IssueOut(BaseModel):
    """A dated edition of the newsletter, how many papers it covers and what became of its mail, by state."""

    day: date
    cadence: Cadence
    state: IssueState
    window_start: datetime
    window_end: datetime
    papers: int
    deliveries: dict[DeliveryState, int]


class IssueChange(BaseModel):
    """What is to become of an issue: `open` approves or resumes it."""

    model_config = ConfigDict(extra="forbid")

    state: IssueState


class DeliveryOut(BaseModel):
    """What became of one subscriber's issue. `response` is what the mail server said."""

    key: int
    day: date
    cadence: Cadence
    subscriber: str
    state: DeliveryState
    attempts: int
    message_id: str
    response: str


class SubscriberIn(BaseModel):
    """What somebody wants. `confirmed`: you vouch that they asked for it; else they stay pending until they confirm.

    `overrule`: the cadence is to be this one, also where they paused, or changed it, by themselves.
    """

    model_config = ConfigDict(extra="forbid")

    name: Text = Field("", max_length=200)
    topics: dict[Entry, Annotated[float, Field(gt=0, le=10)]] = {}
    keywords: Annotated[list[Entry], Field(max_length=500)] = []
    muted: Annotated[list[Entry], Field(max_length=500)] = []
    authors: Annotated[list[Entry], Field(max_length=500)] = []
    interests: Text = Field("", max_length=5000)
    cadence: Cadence = Cadence.DAILY
    timezone: Text = Field("UTC", max_length=60)
    hour: int = Field(7, ge=0, le=23)
    papers: int = Field(10, ge=1, le=50)
    language: str = Field("en", pattern=r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,2}$", max_length=20)
    quiet: QuietDay = QuietDay.NOTE
    confirmed: bool = False
    overrule: bool = False


class SubscriberOut(BaseModel):
    """A subscriber."""

    id: str
    email: str
    name: str
    status: SubscriberStatus
    topics: dict[str, float]
    keywords: list[str]
    muted: list[str]
    authors: list[str]
    interests: str
    liked: list[str]
    cadence: Cadence
    timezone: str
    hour: int
    papers: int
    language: str
    quiet: QuietDay
    paused_until: datetime | None
    cadence_chosen_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, one: Subscriber) -> SubscriberOut:
        """Give a subscriber as the API gives them."""
        profile = one.profile
        return cls(
            id=one.public_id,
            topics=dict(profile.topics),
            **{name: list(getattr(profile, name)) for name in ("keywords", "muted", "authors", "liked")},
            interests=profile.interests,
            email=one.email,
            name=one.name,
            status=one.status,
            cadence=one.cadence,
            timezone=one.timezone,
            hour=one.hour,
            papers=one.papers,
            language=one.language,
            quiet=one.quiet,
            paused_until=one.paused_until,
            cadence_chosen_at=one.cadence_chosen_at,
            created_at=one.created_at,
        )


class WebhookIn(BaseModel):
    """An address to tell of some events."""

    model_config = ConfigDict(extra="forbid")

    url: Text = Field(max_length=2000, examples=["https://hooks.lab.example/newsletter"])
    events: Annotated[list[str], Field(min_length=1, max_length=50)]


class WebhookOut(BaseModel):
    """An address that is told of some events."""

    key: int
    url: str
    events: list[str]
    created_at: datetime

    @classmethod
    def of(cls, hook: Webhook) -> WebhookOut:
        """Give a webhook without its secret."""
        return cls(key=hook.key, url=hook.url, events=list(hook.events), created_at=hook.created_at)


class NewWebhook(WebhookOut):
    """A webhook with what its calls are signed with, which is told this once."""

    secret: str
