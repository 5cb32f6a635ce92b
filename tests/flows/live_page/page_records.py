"""Records as the page reads them, made up."""

from itertools import count

from flows.live_page.state.page_state import PageState
from schemas.controls import Change, control_key
from schemas.decisions import Outcome, Score
from schemas.message import Message
from schemas.offers import (
    EndedOfferData,
    OfferCart,
    OfferData,
    OfferDecided,
    OfferExpired,
    OfferRedeemed,
    OfferRevoked,
    Treatment,
)
from schemas.records import encode
from schemas.shop import Shop
from tests.report_log import T0, decision, moment

ENDS = {"redeemed": OfferRedeemed, "expired": OfferExpired, "revoked": OfferRevoked}
ARMS = {"no_offer": 0.4, "ten_percent": 0.6}
numbers = count()


def page_state(**shop):
    """The state of a page of one market, which has read nothing."""
    document = {"offers": [{"name": "ten_percent", "kind": "percent_off", "value": 10, "channel": "on_site",
                            "reward_window": "30m", "expires_after": "20m"}], **shop}  # fmt: skip
    return PageState(Shop.model_validate(document), lambda _: None)


def decided(n=0, at_s=0.0, arm="ten_percent", *, held=False, **more):
    arms = {"no_offer": 1.0} if held else ARMS
    arm = "no_offer" if held else arm
    more.setdefault("offer_id", None if arm == "no_offer" else f"d{n}")
    return decision(n, at_s, arms, arm, held=held, no_offer="no_offer", share=0.1, **more)


def offered(n=0, at_s=0.0, name="ten_percent", lasts_s=1200.0, market="default"):
    data = OfferData(
        offer_id=f"d{n}", decision_id=f"d{n}", moment_id=f"m{n}", visitor_id="v", user_id=None, market=market,
        at=moment(at_s), expires_at=moment(at_s + lasts_s), trigger="cart_idle", abandonment=0.5,
        propensity=0.6, policy="p", policy_version=0, model="m", model_version=0, session_id=None,
        cart=OfferCart(id="c", value=80.0, currency="EUR", items=()),
        treatment=Treatment(name=name, kind="percent_off", value=10.0, channel="on_site"),
    )  # fmt: skip
    return OfferDecided(
        id=f"d{n}-decided", source=f"offerstream/{market}", subject="v", time=moment(at_s),
        correlationid=f"m{n}", causationid=f"d{n}", data=data, expirytime=data.expires_at,
    )  # fmt: skip


def ended(n=0, how="redeemed", at_s=60.0, reason=None):
    data = EndedOfferData(
        offer_id=f"d{n}", decision_id=f"d{n}", moment_id=f"m{n}", visitor_id="v", market="default",
        at=moment(at_s), reason=reason or how,
    )  # fmt: skip
    return ENDS[how](
        id=f"d{n}-ended", source="offerstream/default", subject="v", time=moment(at_s), correlationid=f"m{n}",
        causationid=f"d{n}", data=data,
    )  # fmt: skip


def scored(cart="c", at_s=0.0, abandonment=0.8, value=50.0):
    return Score(
        moment_id="m", visitor_id="v", market="default", at=moment(at_s), cart_id=cart, cart_value=value,
        kind="cart_idle", abandonment=abandonment, model="m", model_version=0,
    )  # fmt: skip


def became(cart="c", kind="abandoned", at_s=0.0, predicted=0.8, *, treated=False):
    return Outcome(
        outcome_id=f"{cart}.{next(numbers)}", moment_id="m", decision_id=None, visitor_id="v",
        market="default", at=moment(at_s), cart_id=cart, kind=kind, treated=treated, weight=None,
        abandonment=predicted,
    )  # fmt: skip


def message(record):
    """A record as it stands in its topic."""
    kind = getattr(record, "type", None) or type(record).__struct_config__.tag
    return Message(encode(record), headers=(("ce_id", b"1"), ("ce_type", kind.encode())))


def change(number=1, by="ann", **set_):
    record = Change(
        type="change", id=f"c-{number}", set=set_["set"], by=by, at=T0, proposed=set_.get("proposed", False)
    )
    return Message(record.model_dump_json().encode(), control_key(record).encode())


def read(state, *records):
    """Read records into a state, and return it."""
    for record in records:
        state.add_output(message(record))
    return state
