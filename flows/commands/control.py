"""``offerstream control``."""

import argparse
import getpass
import secrets
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from flows.commands.common import add_bootstrap, add_settings, duration, settings_of
from flows.controls import view
from flows.controls.dry_run import dry_run_lines
from flows.controls.log import ControlLog
from flows.controls.stops import killing, pausing, resuming, reviving
from flows.controls.topic import ControlTopic
from flows.controls.values import typed_settings
from schemas.controls import Approval, Change, Consent, Withdrawal, read_control
from schemas.errors import SetupError
from schemas.rules import Channel

EXAMPLES = """\
  offerstream control show
  offerstream control pause ten_percent --by ann --comment "too many codes on coupon sites"
  offerstream control set markets.uk.holdout 0.1 rules.cooldown.after_offer 12h --by ann --dry-run
  offerstream control set budgets.daily.amount 300 --by ann --propose
  offerstream control approve c-20261130-3f2a9c --by bob
  offerstream control kill --market uk
  offerstream control diff 3 7"""

Run = Callable[[argparse.Namespace], None]
Arguments = Callable[[argparse.ArgumentParser], None]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be asked of controls, each with its arguments."""
    asked = parser.add_subparsers(dest="asked", metavar="WHAT")
    for name, (says, add, run) in ASKED.items():
        sub = asked.add_parser(name, help=says, description=says[0].upper() + says[1:] + ".")
        add(sub)
        add_bootstrap(sub)
        add_settings(sub)
        sub.set_defaults(run_asked=run)


def run(args: argparse.Namespace) -> None:
    """Do what is asked."""
    if args.asked is None:
        raise SetupError(f"WHAT must be one of {', '.join(ASKED)}")
    args.run_asked(args)


# What can be asked, and its arguments


def _show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "path", nargs="?", metavar="PATH", help="only this setting, such as markets.uk.holdout"
    )


def _diff_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "older", type=int, metavar="VERSION", help="the version to compare; 0 is the file alone"
    )
    parser.add_argument(
        "newer", type=int, nargs="?", metavar="VERSION", help="with this one (default: what is in force)"
    )


def _no_arguments(_parser: argparse.ArgumentParser) -> None: ...


def _set_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "settings",
        nargs="+",
        metavar="PATH VALUE",
        help="a setting of the offers file and what it is to be, as often as you like: "
        "`markets.uk.holdout 0.1 offers.ten_percent.value 15`; `null` lets the file hold again",
    )
    _change_arguments(parser)


def _offers_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="OFFER", help="name of an offer")
    parser.add_argument("--all", action="store_true", dest="every", help="all offers")
    parser.add_argument("--market", metavar="MARKET", help="only in this market")
    _change_arguments(parser)


def _market_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--market", metavar="MARKET", help="only this market (default: all of them)")
    _change_arguments(parser)


def _change_arguments(parser: argparse.ArgumentParser) -> None:
    _who_arguments(parser)
    parser.add_argument("--propose", action="store_true", help="let it wait until somebody else approves it")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="change nothing, and say what past decisions would have been under it, from --state",
    )
    parser.add_argument(
        "--since",
        default="24h",
        type=duration,
        metavar="TIME",
        help="how far the dry run looks back from the latest decision (default: %(default)s)",
    )
    parser.add_argument("--state", type=Path, metavar="DIR", help="state directory of the worker")


def _who_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", metavar="NAME", help="who you are (default: your login name)")
    parser.add_argument("--comment", metavar="TEXT", help="why, for those who read the history")


def _proposal_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("change", metavar="ID", help="the proposal, as `control show` names it")
    _who_arguments(parser)


def _consent_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--visitor", metavar="ID", help="the visitor_id of the events")
    parser.add_argument("--user", metavar="ID", help="the user_id of the events")
    parser.add_argument("--market", default="default", metavar="MARKET", help="default: %(default)s")
    channels = get_args(Channel)
    for option, says in (("--grant", "may be used"), ("--deny", "may not be used")):
        parser.add_argument(
            option,
            action="append",
            default=[],
            choices=channels,
            metavar="CHANNEL",
            help=f"a channel that {says} ({', '.join(channels)}); may be repeated",
        )
    parser.add_argument("--source", metavar="TEXT", help="where that is known from")


# What is done


def _show(args: argparse.Namespace) -> None:
    settings = settings_of(args)
    log = ControlTopic(settings).log()
    _print(view.show(log, settings.shop()) if args.path is None else view.show_path(log, args.path))


def _history(args: argparse.Namespace) -> None:
    _print(view.history(ControlTopic(settings_of(args)).log()))


def _diff(args: argparse.Namespace) -> None:
    log = ControlTopic(settings_of(args)).log()
    newer = log.history.version if args.newer is None else args.newer
    _print(view.diff(log, args.older, newer))


def _set(args: argparse.Namespace) -> None:
    _change(args, lambda _log: typed_settings(args.settings))


def _propose(args: argparse.Namespace) -> None:
    args.propose = True
    _set(args)


def _pause(args: argparse.Namespace) -> None:
    if not args.names and not args.every:
        raise SetupError("OFFER must be given, or --all; `control kill` ends all offers of a market")
    _change(args, lambda log: pausing(log.history.in_force.shop, args.names, args.market))


def _resume(args: argparse.Namespace) -> None:
    def wanted(log: ControlLog) -> dict[str, Any]:
        history = log.history
        given = (log.shop_at(0), history.settings, history.in_force.shop)
        if args.names or args.every:
            return resuming(*given, args.names, args.market)
        return reviving(*given, args.market)

    _change(args, wanted)


def _kill(args: argparse.Namespace) -> None:
    _change(args, lambda log: killing(log.history.in_force.shop, args.market))


def _change(args: argparse.Namespace, wanted: Callable[[ControlLog], dict[str, Any]]) -> None:
    """Send a change, or say what it would do."""
    settings = settings_of(args, state=args.state)
    topic = ControlTopic(settings)
    log = topic.log()
    asked = wanted(log)
    if not asked:
        _print(["Nothing to change: that is so already."])
        return
    now = datetime.now(UTC)
    change = _valid(
        Change.model_construct(
            type="change",
            id=f"c-{now:%Y%m%d}-{secrets.token_hex(3)}",
            set=asked,
            by=_name(args),
            at=now,
            comment=args.comment,
            proposed=args.propose,
        )
    )
    before = log.history.in_force.shop
    _, after = log.history.would_be(asked)
    if args.dry_run:
        _print(["It would change:", *view.changes(asked, before, after)])
        _print(dry_run_lines(settings.state, before, after, args.since))
        return
    topic.send(change)
    _print([*view.changes(asked, before, after), _outcome(topic.log(), change.id)])


def _approve(args: argparse.Namespace) -> None:
    _answer(args, Approval(type="approval", change=args.change, by=_name(args), at=datetime.now(UTC)))


def _withdraw(args: argparse.Namespace) -> None:
    _answer(args, Withdrawal(type="withdrawal", change=args.change, by=_name(args), at=datetime.now(UTC)))


def _answer(args: argparse.Namespace, record: Approval | Withdrawal) -> None:
    """Send an answer to a proposal, unless it would be refused."""
    topic = ControlTopic(settings_of(args))
    record = _valid(record.model_copy(update={"comment": args.comment}))
    entry = topic.log().history.take(record)
    topic.send(record)
    if entry.outcome == "applied":
        _print([_outcome(topic.log(), args.change)])
    else:
        _print([f"Withdrawn: {args.change} of {entry.change.by} cannot be approved any more."])


def _consent(args: argparse.Namespace) -> None:
    settings = settings_of(args)
    markets = settings.shop().markets
    if args.market not in markets:
        raise SetupError(f"--market must be one of {', '.join(markets)}; got {args.market!r}")
    if both := set(args.grant) & set(args.deny):
        raise SetupError(f"--grant and --deny must have different channels; got {min(both)} twice")
    consent = _valid(
        Consent.model_construct(
            type="consent",
            market=args.market,
            visitor_id=args.visitor,
            user_id=args.user,
            consent={**dict.fromkeys(args.grant, True), **dict.fromkeys(args.deny, False)},
            at=datetime.now(UTC),
            source=args.source,
        )
    )
    ControlTopic(settings).send(consent)
    _print(["Noted."])


def _valid(record: Any) -> Any:  # noqa: ANN401  any record of controls
    """Return a record as its readers will see it; SetupError that names the field."""
    try:
        return read_control(record.model_dump_json(warnings=False).encode())
    except ValueError as error:
        raise SetupError(str(error)) from None


def _name(args: argparse.Namespace) -> str:
    if args.by is not None:
        return str(args.by)
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise SetupError("--by must be given: there is no login name") from None


def _outcome(log: ControlLog, change: str) -> str:
    """Return what became of a change that was sent, by the latest record about it."""
    line = next(line for line in reversed(log.lines) if _about(line.record) == change)
    match line.outcome:
        case "applied":
            return f"Version {line.number} is in force."
        case "refused":
            raise SetupError(f"somebody was faster: {line.why}")
        case _:
            return f"Proposed as {change}: `offerstream control approve {change}` by another name."


def _about(record: Change | Approval | Withdrawal) -> str:
    return record.id if isinstance(record, Change) else record.change


def _print(lines: Iterable[str]) -> None:
    sys.stdout.write(view.text(lines))


ASKED: dict[str, tuple[str, Arguments, Run]] = {
    "show": (
        "print what differs from the offers file, who set it and when, and open proposals",
        _show_arguments,
        _show,
    ),
    "set": ("change settings of the offers file while the worker runs", _set_arguments, _set),
    "propose": (
        "ask for settings that take effect once somebody else approves them",
        _set_arguments,
        _propose,
    ),
    "pause": ("make no more of these offers, and revoke those that are open", _offers_arguments, _pause),
    "resume": (
        "make paused offers again; without an offer, take back a kill",
        _offers_arguments,
        _resume,
    ),
    "kill": ("make no offers at all, and revoke all that are open", _market_arguments, _kill),
    "approve": ("let a change that somebody else has proposed take effect", _proposal_arguments, _approve),
    "withdraw": ("take a proposed change back, or refuse it", _proposal_arguments, _withdraw),
    "consent": ("note what a person has agreed to, or not", _consent_arguments, _consent),
    "history": ("list every change: when, who, what it was before", _no_arguments, _history),
    "diff": ("compare two versions", _diff_arguments, _diff),
}
