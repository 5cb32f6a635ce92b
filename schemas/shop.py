"""What a shop may offer and where it sells: the contents of ``offers.toml``."""

import tomllib
import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import quote

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from schemas.calendar import LocalMoment, Weekday, end_s, start_s
from schemas.durations import Duration
from schemas.errors import SetupError, setup_message
from schemas.events import Amount, Currency, Id, Name
from schemas.limits import Budget, Cap
from schemas.rollout import Rollout
from schemas.rules import Audience, Channel, FileModel, Rules, Share

NO_OFFER: Final = "no_offer"
CART_ID: Final = "{cart_id}"
"""Where the id of the cart stands in the ``cart_url`` of a market."""
EXAMPLE_OFFERS: Final = Path(__file__).with_name("example_offers.toml")

OfferKind = Literal["percent_off", "amount_off", "free_shipping", "bundle", "points", "pay_later", "reminder"]
Rate = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
PERCENT_KINDS: Final = ("percent_off", "pay_later")
DISCOUNT_KINDS: Final = frozenset({"percent_off", "amount_off", "free_shipping", "bundle"})
"""The kinds that lower what the shopper pays for the same goods."""
Attribute = str | bool | int | float
FiledAttribute = (
    Annotated[str, Field(max_length=2000)]
    | bool
    | Annotated[int, Field(ge=-(2**53), le=2**53)]
    | Annotated[float, Field(allow_inf_nan=False)]
)


def folded(code: str) -> str:
    """Return a code as codes are compared: shoppers type them in any case, with spaces around."""
    return code.strip().casefold()


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

    It costs at most ``max_discount`` beside its fixed cost. It is made from ``starts`` to ``ends`` on
    ``weekdays``, to its ``audience``, unless it is ``paused``. ``skus`` are products that it needs in stock
    beside those of the cart. ``attributes`` are copied into its records as they stand, like ``priority``,
    ``test`` and ``combinable``.
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
    max_discount: Amount | None = None
    combinable: bool | None = None
    paused: bool = False
    starts: LocalMoment | None = None
    ends: LocalMoment | None = None
    weekdays: tuple[Weekday, ...] | None = None
    audience: Audience = Field(default_factory=Audience)
    skus: tuple[Id, ...] = ()
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] | None = None
    test: bool = False
    attributes: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")], FiledAttribute] = Field(
        default_factory=dict
    )

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
        if self.starts is not None and self.ends is not None:
            utc = zoneinfo.ZoneInfo("UTC")
            if start_s(self.starts, utc) >= end_s(self.ends, utc):
                raise ValueError(f"starts must be before ends; got {self.starts} and {self.ends}")
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
    killed: bool = False
    policy: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    rollout: Rollout = Field(default_factory=Rollout)
    rules: Rules = Field(default_factory=Rules)
    disclosure: Annotated[str, Field(min_length=1, max_length=2000)] | None = None
    cart_url: Annotated[str, Field(pattern=r"^https?://", max_length=2000)] | None = None

    @model_validator(mode="after")
    def _one_is_one(self) -> Self:
        if self.rates.get(self.currency, 1.0) != 1.0:
            raise ValueError(f"rates.{self.currency} must be 1 or left out: it is the market's own currency")
        return self

    def url_of_cart(self, cart: str) -> str | None:
        """Return where a shopper finds a cart, None where the file does not say.

        >>> Market(name="uk", cart_url="https://shop.example/cart/{cart_id}").url_of_cart("a b")
        'https://shop.example/cart/a%20b'
        """
        return None if self.cart_url is None else self.cart_url.replace(CART_ID, quote(cart, safe=""))

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"must be an IANA time zone like Europe/Berlin; got {name!r}") from None
        return name


class Shop(FileModel):
    """The markets by name and all offers, in the order of the file.

    ``rules`` hold for all markets, but for what ``markets.NAME.rules`` says otherwise: each market has its
    own, complete. ``killed``: no market makes any offer. ``four_eyes``: a change by controls needs the
    approval of another name.
    """

    markets: dict[Name, Market] = Field(
        default_factory=lambda: {"default": Market(name="default")}, min_length=1
    )
    offers: tuple[Offer, ...] = ()
    killed: bool = False
    four_eyes: bool = False
    rules: Rules = Field(default_factory=Rules)
    caps: dict[Name, Cap] = Field(default_factory=dict)
    budgets: dict[Name, Budget] = Field(default_factory=dict)

    _document: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _with_document(cls, given: Any, made: ModelWrapValidatorHandler[Self]) -> Self:  # noqa: ANN401  as below
        shop = made(given)
        if isinstance(given, dict):
            shop._document = _plain(given)  # noqa: SLF001  its own
        return shop

    @property
    def document(self) -> Mapping[str, Any]:
        """The file as it was read, which controls change; nothing that follows from it is filled in."""
        return self._document

    @model_validator(mode="before")
    @classmethod
    def _markets_complete(cls, given: Any) -> Any:  # noqa: ANN401  pydantic hands over whatever the file says
        """Give each market its name, and the rules that hold for all where it has none of its own."""
        if not isinstance(given, dict):
            return given
        markets = given.get("markets", {"default": {}})
        rules = given.get("rules", {})
        if not isinstance(markets, dict) or not isinstance(rules, dict):
            return given
        return given | {
            "markets": {
                name: market | {"name": name, "rules": _overridden(rules, market.get("rules", {}))}
                if isinstance(market, dict)
                else market
                for name, market in markets.items()
            }
        }

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
    def _limits_consistent(self) -> Self:
        """Refuse caps and budgets of offers or markets that do not exist, or that nothing can keep."""
        offers = {offer.name: offer for offer in self.offers}
        tables: list[tuple[str, Cap | Budget]] = [
            *((f"caps.{name}", cap) for name, cap in self.caps.items()),
            *((f"budgets.{name}", budget) for name, budget in self.budgets.items()),
        ]
        for key, table in tables:
            for word, given, known in (
                ("offers", table.offers, list(offers)),
                ("markets", table.markets, list(self.markets)),
            ):
                for name in given or ():
                    if name not in known:
                        raise ValueError(f"{key}.{word} must be among {', '.join(known)}; got {name!r}")
        for name, budget in self.budgets.items():
            for offer in (offers[each] for each in budget.offers or offers):
                if budget.amount is not None and offer.cost.share > 0 and offer.max_discount is None:
                    raise ValueError(
                        f"budgets.{name} must only have offers whose cost has a limit; give {offer.name!r} "
                        "a max_discount"
                    )
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


def _plain(given: Any) -> Any:  # noqa: ANN401  whatever a shop is made of
    """Return a document as a file would have it, where parts of it are models already."""
    match given:
        case FileModel():
            return given.model_dump(mode="json", exclude_unset=True)
        case dict():
            return {name: _plain(value) for name, value in given.items()}
        case list() | tuple():
            return [_plain(value) for value in given]
        case _:
            return given


def _overridden(rules: dict[str, Any], own: object) -> object:
    """Return a market's rules: those of all markets, single keys replaced by its own."""
    if not isinstance(own, dict):
        return own
    merged = dict(rules)
    for name, table in own.items():
        before = merged.get(name)
        merged[name] = before | table if isinstance(before, dict) and isinstance(table, dict) else table
    return merged


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
