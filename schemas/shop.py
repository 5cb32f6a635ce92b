"""What a shop may offer and where it sells: the contents of ``offers.toml``."""

import tomllib
import zoneinfo
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from schemas.durations import Duration
from schemas.errors import SetupError, setup_message
from schemas.events import Amount, Currency, Id, Name

NO_OFFER: Final = "no_offer"
EXAMPLE_OFFERS: Final = Path(__file__).with_name("example_offers.toml")

OfferKind = Literal["percent_off", "amount_off", "free_shipping", "bundle", "points", "pay_later", "reminder"]
Channel = Literal["on_site", "email", "app"]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Rate = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
PERCENT_KINDS: Final = ("percent_off", "pay_later")


def folded(code: str) -> str:
    """Return a code as codes are compared: shoppers type them in any case, with spaces around."""
    return code.strip().casefold()


class FileModel(BaseModel):
    """What all parts of the file have in common: frozen, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Cost(FileModel):
    """What an offer costs the shop: a share of the order plus a fixed amount, and when it is charged."""

    charged: Literal["redeemed", "bought", "shown", "decided"] = "redeemed"
    share: Share = 0.0
    fixed: Amount = 0.0


class Offer(FileModel):
    """One thing that may be offered to the owner of a cart at risk.

    ``value`` is in percent for percent_off and pay_later, else money in the market's currency. Without a
    cost rule, percents cost that share of the order and everything else its value, when redeemed; a reminder
    costs nothing. A shopper redeems it with ``code``, or with one from the list ``code_pool``, whose codes
    begin with ``code_prefix``, else with the name of the list; case does not matter.
    """

    name: Name
    kind: OfferKind
    value: Amount = 0.0
    channel: Channel
    expires_after: Duration
    reward_window: Duration
    min_cart_value: Amount = 0.0
    cost: Cost = Field(default_factory=Cost)
    markets: tuple[Name, ...] | None = None
    code: Id | None = None
    code_pool: Id | None = None
    code_prefix: Id | None = None

    @model_validator(mode="before")
    @classmethod
    def _cost_by_kind(cls, given: Any) -> Any:  # noqa: ANN401  pydantic hands over whatever the file says
        if not isinstance(given, dict):
            return given
        cost = given.get("cost", {})
        value = given.get("value", 0.0)
        if (
            not isinstance(cost, dict)
            or not isinstance(value, int | float)
            or {"share", "fixed"} & cost.keys()
        ):
            return given
        if given.get("kind") in PERCENT_KINDS:
            return given | {"cost": {"share": min(value / 100, 1.0)} | cost}
        return given | {"cost": {"fixed": value if given.get("kind") != "reminder" else 0.0} | cost}

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.name == NO_OFFER:
            raise ValueError(f"name must not be {NO_OFFER}: that arm always exists")
        if self.kind in PERCENT_KINDS and self.value > 100:
            raise ValueError(f"value of {self.kind} must be at most 100 percent; got {self.value:g}")
        if self.code is not None and self.code_pool is not None:
            raise ValueError("code and code_pool must not both be given")
        if self.code_prefix is not None and self.code_pool is None:
            raise ValueError("code_prefix must come with code_pool")
        return self

    @property
    def codes(self) -> tuple[str | None, str | None]:
        """The one code that redeems it, and what such codes begin with, in lower case; None where neither."""
        prefix = self.code_pool if self.code_prefix is None else self.code_prefix
        return self.code and folded(self.code), prefix and folded(prefix)


class Market(FileModel):
    """A place that sells in one currency, with its own learning, budget and holdout.

    ``margin_rate`` is the margin as a share of the price, for items that carry no unit cost. ``rates`` says
    what one unit of another currency is worth in this one; events in a currency without a rate are rejected.
    """

    name: SkipJsonSchema[Name]  # in the file it is the key
    currency: Currency = "EUR"
    margin_rate: Share | None = None
    rates: dict[Currency, Rate] = Field(default_factory=dict)
    timezone: str = "UTC"
    holdout: Share = 0.05

    @model_validator(mode="after")
    def _one_is_one(self) -> Self:
        if self.rates.get(self.currency, 1.0) != 1.0:
            raise ValueError(f"rates.{self.currency} must be 1 or left out: it is the market's own currency")
        return self

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"must be an IANA time zone like Europe/Berlin; got {name!r}") from None
        return name


class Shop(FileModel):
    """The markets by name and all offers, in the order of the file."""

    markets: dict[Name, Market] = Field(
        default_factory=lambda: {"default": Market(name="default")}, min_length=1
    )
    offers: tuple[Offer, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _markets_named(cls, given: Any) -> Any:  # noqa: ANN401  pydantic hands over whatever the file says
        if not isinstance(given, dict) or not isinstance(given.get("markets"), dict):
            return given
        markets = given["markets"].items()
        return given | {"markets": {k: v | {"name": k} if isinstance(v, dict) else v for k, v in markets}}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [offer.name for offer in self.offers]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"offers must have different names; got {name!r} twice")
        for offer in self.offers:
            for market in offer.markets or ():
                if market not in self.markets:
                    known = ", ".join(self.markets)
                    raise ValueError(f"offer {offer.name!r}: markets must be among {known}; got {market!r}")
        return self

    @model_validator(mode="after")
    def _codes_apart(self) -> Self:
        """Refuse two offers of one market that the same code would redeem."""
        for number, offer in enumerate(self.offers):
            for other in self.offers[:number]:
                together = offer.markets is None or other.markets is None
                if (together or set(offer.markets or ()) & set(other.markets or ())) and _overlap(
                    offer, other
                ):
                    raise ValueError(f"offers {other.name!r} and {offer.name!r} must not share a code")
        return self

    def arms(self, market: str) -> tuple[Offer, ...]:
        """The offers that `market` may make; the arm without an offer is not among them."""
        return tuple(offer for offer in self.offers if offer.markets is None or market in offer.markets)


def _overlap(offer: Offer, other: Offer) -> bool:
    """Return whether some code would redeem both."""
    (code, prefix), (other_code, other_prefix) = offer.codes, other.codes
    if code is not None:
        return code == other_code or (other_prefix is not None and code.startswith(other_prefix))
    if prefix is None:
        return False
    if other_code is not None:
        return other_code.startswith(prefix)
    return other_prefix is not None and (prefix.startswith(other_prefix) or other_prefix.startswith(prefix))


def load_shop(path: Path) -> Shop:
    """The shop that the TOML file at `path` describes; raises SetupError."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SetupError(f"{path} must be a readable file; got: {error.strerror}") from None
    except ValueError as error:
        raise SetupError(f"{path} must be TOML in UTF-8; got: {error}") from None
    try:
        return Shop.model_validate(given)
    except ValidationError as error:
        raise SetupError(f"{path}: {setup_message(error)}") from None
