"""The files of a log that the report reads: what of each record, and where it goes."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from flows.studies.backtest.true_values import Truth
from flows.studies.lift.experiment_columns import DECISION_FIELDS, REWARD_FIELDS
from flows.studies.record_lines import read_records
from flows.studies.report.market_report import MarketReport
from schemas.decisions import Decision, Drift, Outcome, Reward
from schemas.offers import OfferDecided, read_offer_record
from schemas.partial_records import partial_decoder
from schemas.records import Timestamp

Timed = tuple[float, "LogFile", Any]
"""The time of a record in seconds, its file, the record."""


class LogFile(NamedTuple):
    """A file by its name without ``.jsonl``; ``is_required`` if a log without it is none.

    ``decode`` returns None for what is passed over.
    """

    name: str
    decode: Callable[[bytes], Any]
    add: Callable[[MarketReport, Any], None]
    check: Callable[[Any], None] | None = None
    is_required: bool = True

    def read(self, directory: Path) -> Iterator[Timed]:
        """Return the records of a directory's file; a file that may be missing has none then."""
        path = directory / f"{self.name}.jsonl"
        if self.is_required or path.exists():
            for record in read_records(path, self.decode, self.check):
                if record is not None:
                    yield record.at.seconds, self, record


class _Offer(NamedTuple):
    at: Timestamp
    market: str
    made: OfferDecided


def _offer_made(line: bytes) -> _Offer | None:
    record = read_offer_record(line)
    return _Offer(record.time, record.data.market, record) if isinstance(record, OfferDecided) else None


def _add_offer(market: MarketReport, offer: _Offer) -> None:
    market.add_offer(offer.made)


def _check_arm(decision: Decision) -> None:
    if decision.arm not in decision.probabilities:
        raise ValueError("`arm` must be one of `probabilities`")


LOG_FILES: Final = (  # of one time in this order: an offer follows its decision
    LogFile(
        "decisions",
        partial_decoder(
            Decision,
            *DECISION_FIELDS,
            *("visitor_id", "probabilities", "arm", "propensity", "holdout", "is_trainable", "reason"),
            *("offer_id", "policy", "features"),
        ),
        MarketReport.add_decision,
        _check_arm,
    ),
    LogFile("offers", _offer_made, _add_offer, is_required=False),
    LogFile(
        "rewards",
        partial_decoder(Reward, *REWARD_FIELDS, "at", "visitor_id", "arm", "holdout"),
        MarketReport.add_reward,
    ),
    LogFile(
        "outcomes",
        partial_decoder(Outcome, "market", "at", "kind", "treated", "abandonment"),
        MarketReport.add_outcome,
    ),
    LogFile(
        "drifts",
        partial_decoder(Drift, "market", "at", "what", "before", "after", "triggered"),
        MarketReport.add_drift,
        is_required=False,
    ),
    LogFile(
        "truth",
        partial_decoder(Truth, "market", "at", "holdout", "value", "best", "no_offer"),
        MarketReport.add_truth,
        is_required=False,
    ),
)
