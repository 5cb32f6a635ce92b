"""How much may be given away: the tables ``[caps.NAME]`` and ``[budgets.NAME]`` of ``offers.toml``."""

from datetime import timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from schemas.calendar import LocalMoment, end_s, start_s
from schemas.durations import ZeroOrLonger
from schemas.events import Amount, Name
from schemas.rules import Channel, FileModel

Count = Annotated[int, Field(ge=0, le=1_000_000_000)]


class Cap(FileModel):
    """At most so many offers: to one person, or of a market in total, by calendar hour, day or week.

    ``offers`` and ``channels`` say which offers count and are removed, all where they are left out. A
    calendar window is in the person's time zone, where it is known, for ``per = "person"``, else in the
    market's; a week begins on Monday. ``markets``: where it holds, by itself in each.
    """

    per: Literal["person", "market"] = "person"
    at_most: Count
    by: Literal["hour", "day", "week"]
    offers: tuple[Name, ...] | None = None
    channels: tuple[Channel, ...] | None = None
    markets: tuple[Name, ...] | None = None


class Budget(FileModel):
    """At most so much money, or so many offers, in each period; each market has it for itself.

    An offer reserves the most it can cost when it is made; what it cost is settled when it is redeemed, and
    the rest is given back ``grace`` after its end. ``by = "campaign"`` is one period from ``starts`` to
    ``ends``; a calendar hour or day is in the market's time zone. ``paced``: spread over the period.
    """

    amount: Amount | None = None
    number: Count | None = None
    by: Literal["hour", "day", "campaign"]
    starts: LocalMoment | None = None
    ends: LocalMoment | None = None
    offers: tuple[Name, ...] | None = None
    markets: tuple[Name, ...] | None = None
    grace: ZeroOrLonger = timedelta(hours=24)
    paced: bool = True

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.amount is None and self.number is None:
            raise ValueError("amount or number must be given")
        if self.starts is not None and self.ends is not None:
            utc = ZoneInfo("UTC")
            if start_s(self.starts, utc) >= end_s(self.ends, utc):
                raise ValueError(f"starts must be before ends; got {self.starts} and {self.ends}")
        if self.by == "campaign" and self.paced and (self.starts is None or self.ends is None):
            raise ValueError("a paced campaign must have starts and ends, or paced = false")
        return self
