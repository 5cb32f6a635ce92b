"""The tables ``[rules.NAME]`` of ``offers.toml``: what keeps an offer from being made, a table a rule.

``[rules]`` holds for every market; ``[markets.NAME.rules]`` replaces single keys of it for one market. What
is left out has the default below.
"""

from datetime import time, timedelta
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.durations import Duration, ZeroOrLonger
from schemas.events import Amount, Id

Channel = Literal["on_site", "email", "app"]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Expression = Annotated[str, Field(max_length=2000)]
Hour = time
MATCH_ALL: Final = ""


class FileModel(BaseModel):
    """What all parts of the file have in common: frozen, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Audience(FileModel):
    """Whom offers are for; an offer narrows it further with its own table of the same keys.

    ``when`` is an expression over cart, visitor, session and segment. A cart fits ``categories`` or ``skus``
    if it holds one of them, and ``without_categories`` or ``without_skus`` if it holds none.
    """

    when: Expression = MATCH_ALL
    min_cart_value: Amount = 0.0
    max_cart_value: Amount | None = None
    categories: tuple[Id, ...] = ()
    without_categories: tuple[Id, ...] = ()
    skus: tuple[Id, ...] = ()
    without_skus: tuple[Id, ...] = ()
    visitors: Literal["all", "new", "known"] = "all"


class Cooldown(FileModel):
    """For how long a person gets no further offer after one, after a purchase, after a dismissal."""

    after_offer: ZeroOrLonger = timedelta(hours=24)
    after_purchase: ZeroOrLonger = timedelta(hours=24)
    after_dismissal: ZeroOrLonger = timedelta(hours=24)


class Freshness(FileModel):
    """How old a moment may be, by the wall clock at which it was read, for an offer on a channel."""

    on_site: Duration = timedelta(minutes=10)
    app: Duration = timedelta(hours=1)
    email: Duration = timedelta(hours=6)


class Margin(FileModel):
    """The least margin of a cart after the offer, as a share of what is paid; unset: no floor.

    ``unknown`` is what happens to offers where no unit cost and no margin rate are known.
    """

    floor: Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)] | None = None
    unknown: Literal["remove", "allow"] = "remove"


class Stock(FileModel):
    """How many pieces must be in stock of each product of the cart and of the offer.

    A product whose stock the catalog does not tell counts as in stock.
    """

    at_least: Annotated[int, Field(ge=0, le=1_000_000)] = 1


class Consent(FileModel):
    """The channels that need a person's consent; one that was denied gets no offer, needed or not."""

    required: tuple[Channel, ...] = ("email", "app")


class QuietHours(FileModel):
    """Hours of the day, in the person's time zone, in which a channel is quiet.

    ``then``: an offer is held until they are over, or dropped.
    """

    start: Hour
    end: Hour
    then: Literal["hold", "drop"] = "hold"

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.start == self.end:
            raise ValueError(f"start and end must differ; got {self.start:%H:%M} twice")
        if self.start.tzinfo is not None or self.end.tzinfo is not None:
            raise ValueError("start and end must have no time zone: they are in the person's")
        return self


class Rules(FileModel):
    """All rules of a market that have settings."""

    audience: Audience = Field(default_factory=Audience)
    cooldown: Cooldown = Field(default_factory=Cooldown)
    freshness: Freshness = Field(default_factory=Freshness)
    margin: Margin = Field(default_factory=Margin)
    stock: Stock = Field(default_factory=Stock)
    consent: Consent = Field(default_factory=Consent)
    quiet_hours: dict[Channel, QuietHours] = Field(default_factory=dict)
    first_touch: Literal["any", "no_discount"] = "any"
