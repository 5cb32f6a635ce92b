"""What a button of the page asks for, as the records that ``offerstream control`` writes too."""

import secrets
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, get_args

from flows.controls.stops import killing, pausing, resuming, reviving
from operators.controls.history import ControlHistory
from schemas.controls import Approval, Change, Withdrawal, read_control
from schemas.errors import SetupError
from schemas.rollout import Stage
from schemas.shop import Shop

ALREADY: Final = "That is so already."


class Wish(NamedTuple):
    """What somebody wants: a verb and what it is about, who they are, and why."""

    verb: str
    about: tuple[str, ...]
    by: str
    comment: str | None = None


def read_wish(do: str, by: str, comment: str) -> Wish:
    """Return what a form asks for; raises SetupError without a name or a verb."""
    verb, *about = do.split(" ")
    if not by.strip():
        raise SetupError("Say who you are: your name goes with every change.")
    return Wish(verb, tuple(about), by.strip()[:100], comment.strip()[:200] or None)


def record_of(wish: Wish, file: Shop, history: ControlHistory) -> Change | Approval | Withdrawal:
    """Return the record that does what somebody wants; raises SetupError for what cannot be, and says why."""
    now = datetime.now(UTC)
    if wish.verb in ("approve", "withdraw"):
        return _answer(wish, history, now)
    asked = _asked(wish, file, history)
    if not asked:
        raise SetupError(ALREADY)
    history.would_be(asked)
    change = Change.model_construct(
        type="change",
        id=f"c-{now:%Y%m%d}-{secrets.token_hex(3)}",
        set=asked,
        by=wish.by,
        at=now,
        comment=wish.comment,
        proposed=False,
    )
    try:
        return read_control(change.model_dump_json(warnings=False).encode())  # type: ignore[return-value]
    except ValueError as error:
        raise SetupError(str(error)) from None


def _answer(wish: Wish, history: ControlHistory, now: datetime) -> Approval | Withdrawal:
    """Return the answer to a proposal."""
    id_ = wish.about[0] if wish.about else ""
    proposal = history.proposals.get(id_)
    if proposal is None:
        raise SetupError("That proposal is no longer open.")
    if wish.verb == "withdraw":
        return Withdrawal(type="withdrawal", change=id_, by=wish.by, at=now, comment=wish.comment)
    if proposal.by.strip().casefold() == wish.by.casefold():
        raise SetupError("Somebody else must approve it.")
    return Approval(type="approval", change=id_, by=wish.by, at=now, comment=wish.comment)


def _asked(wish: Wish, file: Shop, history: ControlHistory) -> dict[str, Any]:
    """Return the settings that a wish is about."""
    shop = history.in_force.shop
    match wish.verb, wish.about:
        case "pause", (offer,):
            return pausing(shop, [offer], None)
        case "resume", (offer,):
            return resuming(file, history.settings, shop, [offer], None)
        case "kill", (market,):
            return killing(shop, market)
        case "revive", (market,):
            return reviving(file, history.settings, shop, market) or reviving(
                file, history.settings, shop, None
            )
        case "stage", (market, stage) if market in shop.markets and stage in get_args(Stage):
            is_now = shop.markets[market].rollout.stage == stage
            return {} if is_now else {f"markets.{market}.rollout.stage": stage}
        case _:
            raise SetupError("This page has no such button.")
