"""``offerstream evaluate``."""

import argparse
from pathlib import Path

from rich.console import Console

from flows.commands.common import add_json, add_policies, check_json, pair, write_json
from flows.observability.printable import terminal_width
from flows.studies.evaluate.run import EvaluationRequest, evaluate_log, plain_figures
from flows.studies.evaluate.view import show
from operators.evaluation.report import TRAIN_SHARE
from operators.evaluation.target_spec import KINDS

EXAMPLES = """\
  offerstream evaluate replayed --policy none --policy always:ten_percent
  offerstream evaluate exported --policy linear_thompson --policy uniform --json estimates.json
  offerstream evaluate random.csv --policy like:bts.csv --policy uniform
  offerstream evaluate log.csv --policy columns:mine --column arm=treatment --column reward=profit"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``evaluate``."""
    parser.add_argument(
        "log",
        type=Path,
        metavar="LOG",
        help="directory that replay or export wrote, or a CSV file of any log",
    )
    add_policies(parser, f"what to evaluate: {KINDS}")
    parser.add_argument(
        "--train-share",
        type=float,
        default=TRAIN_SHARE,
        help="share of the log, by time, that trains a POLICY before it is frozen (default: %(default)s)",
    )
    parser.add_argument(
        "--clip", type=float, help="largest weight of clipped_ips (default: square root of the rows)"
    )
    parser.add_argument("--market", help="market to evaluate; needed where a directory has several")
    parser.add_argument(
        "--column",
        dest="columns",
        action="append",
        default=[],
        metavar="MEANING=NAME",
        type=pair,
        help="name of the CSV column of the arm, reward, propensity, visitor, time, eligible or position",
    )
    add_json(parser)


def run(args: argparse.Namespace) -> None:
    """Print the estimates and write them to the file of ``--json``."""
    check_json(args.json)
    request = EvaluationRequest(
        args.log, args.policies, args.market, dict(args.columns), args.train_share, args.clip
    )
    evaluation = evaluate_log(request)
    write_json(args.json, plain_figures(evaluation))
    show(evaluation, Console(width=terminal_width(80)))
