"""``offerstream backtest``."""

import argparse
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.commands.backtest_recommend import recommend
from flows.commands.common import (
    add_format,
    add_json,
    add_policies,
    add_settings,
    check_json,
    positive,
    settings_of,
    write_json,
)
from flows.observability.printable import terminal_width
from flows.settings import Settings
from flows.studies.backtest.compare import (
    RECORDED_NOTE,
    SHOPPERS_NOTE,
    PolicyRun,
    backtest,
    check_policies,
    recorded_run,
    simulated_run,
    with_demo_offers,
)
from flows.studies.backtest.result import PolicyResult
from flows.studies.backtest.shoppers import WorldLength, shoppers_of
from schemas.errors import SetupError

EXAMPLES = """\
  offerstream backtest --shoppers default --policy none --policy uniform --policy linear_thompson
  offerstream backtest --shoppers world.toml --visitors 20000 --policy linucb --policy always:ten_percent
  offerstream backtest --shoppers default --policy linear_thompson --policy linear_thompson:half_life=1000
  offerstream backtest events.jsonl --policy linear_thompson --policy squarecb --out compared
  offerstream backtest --recommend events.jsonl"""
DECISIONS = 2000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``backtest``."""
    parser.add_argument(
        "inputs", nargs="*", type=Path, metavar="EVENTS", help="files of recorded events, as for replay"
    )
    add_format(parser)
    add_policies(
        parser, "policy to compare with the first one: none, uniform, always:ARM or POLICY", required=False
    )
    parser.add_argument(
        "--recommend",
        action="store_true",
        help="judge recommendations on the visits and orders in EVENTS, or in tables of them",
    )
    parser.add_argument(
        "--shoppers", metavar="default|FILE", help="simulated shoppers, who react, instead of EVENTS"
    )
    parser.add_argument(
        "--visitors", type=positive, metavar="N", help="end when this many shoppers have come"
    )
    parser.add_argument(
        "--decisions",
        type=positive,
        metavar="N",
        help=f"end when about this many carts have been left (default: {DECISIONS})",
    )
    parser.add_argument(
        "--seed", type=int, help="seed of the shoppers and of every policy's draws (default: 0)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="keep each policy's files in a folder of its own"
    )
    add_json(parser)
    add_settings(parser)


def run(args: argparse.Namespace) -> None:
    """Run every policy and print the table."""
    check_json(args.json)
    settings = settings_of(args, seed=args.seed)
    if args.recommend:
        _check_recommend(args)
        recommend(args.inputs, args.format, settings, args.json)
        return
    if not args.policies:
        raise SetupError("--policy must be given, or --recommend")
    if bool(args.inputs) == (args.shoppers is not None):
        got = "both" if args.inputs else "neither"
        raise SetupError(f"either EVENTS or --shoppers must be given; got {got}")
    if args.inputs:
        if args.visitors is not None or args.decisions is not None:
            raise SetupError("--visitors and --decisions go with --shoppers; got EVENTS")
        check_policies(args.policies, settings)
        policy_run, note = recorded_run(args.inputs, args.format), RECORDED_NOTE
    else:
        settings = with_demo_offers(settings)
        check_policies(args.policies, settings)
        policy_run, note = _simulated(args, settings), SHOPPERS_NOTE
    first: list[str] = []

    def on_result(result: PolicyResult) -> None:
        first.extend(result.ending if not first else ())
        sys.stderr.write(f"{result.policy}: {result.decisions} decisions\n")

    rows = backtest(policy_run, args.policies, settings, args.out, on_result)
    console = Console(width=terminal_width(160))
    console.print(_table(rows))
    console.print(note, highlight=False)
    for sentence in first:
        console.print(sentence, highlight=False, markup=False, soft_wrap=True)
    reacting = args.shoppers is not None
    write_json(args.json, {"seed": settings.seed, "reacting": reacting, "note": note, "policies": rows})


def _check_recommend(args: argparse.Namespace) -> None:
    """Raise SetupError where something is given that recommendations have no use for."""
    if not args.inputs:
        raise SetupError("--recommend needs EVENTS")
    given = {"--policy": args.policies, "--shoppers": args.shoppers, "--out": args.out}
    for name in (name for name, value in given.items() if value):
        raise SetupError(f"{name} does not go with --recommend")


def _simulated(args: argparse.Namespace, settings: Settings) -> PolicyRun:
    if args.visitors is not None and args.decisions is not None:
        raise SetupError("--visitors or --decisions must be given, not both")
    decisions = DECISIONS if args.visitors is None and args.decisions is None else args.decisions
    return simulated_run(shoppers_of(args.shoppers), settings, WorldLength(args.visitors, decisions))


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table()
    is_simulated = "regret" in rows[0]
    table.add_column("policy")
    profit = "profit per decision" if is_simulated else "profit attributed"
    names = ["decisions", "offers", "conversion", profit]
    names += (
        ["against the first", "regret per decision", "of the oracle"] if is_simulated else ["AUC", "log loss"]
    )
    for name in names:
        table.add_column(name, justify="right")
    for row in rows:
        cells = [row["policy"], f"{row['decisions']:,}", f"{row['offers']:,}"]
        cells += [_interval(row["conversion"], "{:.1%}"), _interval(row["profit_per_decision"], "{:.2f}")]
        if is_simulated:
            is_first = row is rows[0]
            cells.append("" if is_first else _interval(row["difference_to_first"], "{:+.2f}"))
            cells.append(f"{row['regret_per_decision']:.2f}")
            cells.append("-" if row["share_of_oracle"] is None else f"{row['share_of_oracle']:.0%}")
        else:
            cells += [_model(row, "auc"), _model(row, "log_loss")]
        table.add_row(*cells)
    return table


def _interval(ends: dict[str, float | None], format_: str) -> str:
    mean, low, high = (None if value is None else format_.format(value) for value in ends.values())
    return f"{mean}" if low is None or high is None else f"{mean} ({low} to {high})"


def _model(row: dict[str, Any], name: str) -> str:
    values = [figures[name] for figures in row["models"].values() if figures[name] is not None]
    return ", ".join(f"{value:.3f}" for value in values) or "-"
