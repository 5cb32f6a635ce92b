"""``offerstream backtest``."""

import argparse
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from flows.commands.common import add_json, add_policies, add_settings, check_json, settings_of, write_json
from flows.settings import Settings
from flows.studies.backtest.compare import (
    RECORDED_NOTE,
    SHOPPERS_NOTE,
    Run,
    backtest,
    check,
    dense,
    over_files,
    over_shoppers,
)
from flows.studies.backtest.shoppers import Length, shoppers_of
from schemas.adapters import FORMATS
from schemas.errors import SetupError

EXAMPLES = """\
  offerstream backtest --shoppers default --policy none --policy uniform --policy linear_thompson
  offerstream backtest --shoppers world.toml --visitors 20000 --policy linucb --policy always:ten_percent
  offerstream backtest --shoppers default --policy linear_thompson --policy linear_thompson:half_life=1000
  offerstream backtest events.jsonl --policy linear_thompson --policy squarecb --out compared"""
DECISIONS = 2000


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``backtest``."""
    parser.add_argument("inputs", nargs="*", type=Path, metavar="EVENTS", help="recorded events, as replay's")
    parser.add_argument("--format", default="native", choices=sorted(FORMATS), help="what the lines are")
    add_policies(parser, "what to compare, with the first: none, uniform, always:ARM or POLICY")
    parser.add_argument(
        "--shoppers", metavar="default|FILE", help="simulated shoppers, who react, instead of EVENTS"
    )
    parser.add_argument("--visitors", type=_count, metavar="N", help="shoppers come until there were so many")
    parser.add_argument(
        "--decisions",
        type=_count,
        metavar="N",
        help=f"shoppers come until about so many carts were left (default: {DECISIONS})",
    )
    parser.add_argument("--seed", type=int, help="of the shoppers and of every policy's draws (default: 0)")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="keep each policy's files in a folder of its own"
    )
    add_json(parser)
    add_settings(parser)


def run(args: argparse.Namespace) -> None:
    """Run every policy and print the table."""
    check_json(args.json)
    settings = settings_of(args, seed=args.seed)
    if bool(args.inputs) == (args.shoppers is not None):
        got = "both" if args.inputs else "neither"
        raise SetupError(f"either EVENTS or --shoppers must be given; got {got}")
    if args.inputs:
        if args.visitors is not None or args.decisions is not None:
            raise SetupError("--visitors and --decisions go with --shoppers; got EVENTS")
        check(args.policies, settings)
        chosen, note = over_files(args.inputs, args.format), RECORDED_NOTE
    else:
        settings = dense(settings)
        check(args.policies, settings)
        chosen, note = _shoppers(args, settings), SHOPPERS_NOTE
    rows = backtest(
        chosen,
        args.policies,
        settings,
        args.out,
        lambda result: sys.stderr.write(f"{result.policy}: {result.decisions} decisions\n"),
    )
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(_table(rows))
    console.print(note, highlight=False)
    reacting = args.shoppers is not None
    write_json(args.json, {"seed": settings.seed, "reacting": reacting, "note": note, "policies": rows})


def _shoppers(args: argparse.Namespace, settings: Settings) -> Run:
    if args.visitors is not None and args.decisions is not None:
        raise SetupError("--visitors or --decisions must be given, not both")
    decisions = DECISIONS if args.visitors is None and args.decisions is None else args.decisions
    return over_shoppers(shoppers_of(args.shoppers), settings, Length(args.visitors, decisions))


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1; got {text!r}")
    return int(text)


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table()
    known = "regret" in rows[0]
    table.add_column("policy")
    profit = "profit a decision" if known else "profit credited"
    names = ["decisions", "offers", "conversion", profit]
    names += ["against the first", "regret a decision", "of the oracle"] if known else ["AUC", "log loss"]
    for name in names:
        table.add_column(name, justify="right")
    for each in rows:
        cells = [each["policy"], f"{each['decisions']:,}", f"{each['offers']:,}"]
        cells += [_range(each["conversion"], "{:.1%}"), _range(each["profit_per_decision"], "{:.2f}")]
        if known:
            first = each is rows[0]
            cells.append("" if first else _range(each["difference_to_first"], "{:+.2f}"))
            cells.append(f"{each['regret_per_decision']:.2f}")
            cells.append("-" if each["share_of_oracle"] is None else f"{each['share_of_oracle']:.0%}")
        else:
            cells += [_model(each, "auc"), _model(each, "log_loss")]
        table.add_row(*cells)
    return table


def _range(found: dict[str, float | None], form: str) -> str:
    mean, low, high = (None if value is None else form.format(value) for value in found.values())
    return f"{mean}" if low is None or high is None else f"{mean} ({low} to {high})"


def _model(each: dict[str, Any], name: str) -> str:
    found = [figures[name] for figures in each["models"].values() if figures[name] is not None]
    return ", ".join(f"{value:.3f}" for value in found) or "-"
