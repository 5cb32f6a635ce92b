"""What past decisions would have been under a change, from the ledger of a worker that may be running."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows.controls.values import written
from flows.stores.ledger import read_ledger
from flows.stores.memory_ledger import MemoryLedger
from operators.decisions.dry_run import DryRun, dry_run
from operators.decisions.ledger import read_entry
from schemas.durations import write_duration
from schemas.errors import SetupError
from schemas.shop import NO_OFFER, Shop


def dry_run_lines(state: Path, before: Shop, after: Shop, since: timedelta) -> Iterator[str]:
    """Yield how decisions of the last time of each market would have differed, in words."""
    if not (state / "ledger").is_dir():
        raise SetupError(f"--state must be a directory that the worker wrote; got {str(state)!r}")
    for market in before.markets:
        with read_ledger(state / "ledger", market) as ledger:
            newest = None if ledger is None else ledger.newest()
            if ledger is None or newest is None:
                yield f"{market}: no decisions yet."
                continue
            end_s = read_entry(newest).terms.at_s
            found = dry_run(
                ledger,
                (before, after),
                market,
                since_s=end_s - since.total_seconds(),
                memory=MemoryLedger,
            )
        until = datetime.fromtimestamp(end_s, UTC)
        yield (
            f"{market}: {found.decisions} decisions in the {write_duration(since)} up to "
            f"{until:%Y-%m-%d %H:%MZ}; {found.changed} would have had other offers to choose from."
        )
        yield from _rules_lines(found)
        yield from _market_lines(market, found, before, after)


def _rules_lines(found: DryRun) -> Iterator[str]:
    for (arm, why), count in found.removed.most_common():
        yield f"  {arm} would not have been allowed {_times(count)}: {why}"
    for (arm, why), count in found.allowed.most_common():
        yield f"  {arm} would have been allowed {_times(count)}, which was kept from it by: {why}"
    if found.changed:
        yield "  expected number of choices by arm, before -> after:"
        for arm in sorted(found.before, key=lambda each: (each != NO_OFFER, each)):
            yield f"    {arm}: {found.before[arm]:.1f} -> {found.after.get(arm, 0.0):.1f}"
    if found.allowed:
        yield "  How often the policy would choose what is newly allowed, nobody knows yet."


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _market_lines(market: str, found: DryRun, before: Shop, after: Shop) -> Iterator[str]:
    """Yield what a change does that no rule knows of: who is held out, whose offers are published."""
    old, new = before.markets[market], after.markets[market]
    if old.holdout != new.holdout:
        yield (
            f"  holdout {written(old.holdout)} -> {written(new.holdout)}: who was seen in the last 30 days "
            "stays where they are; of new persons that share gets no offers."
        )
    if old.rollout.stage != new.rollout.stage:
        yield f"  rollout {old.rollout.stage} -> {new.rollout.stage}."
    if found.canary is not None:
        inside, outside = found.canary
        yield f"  {inside} of the {inside + outside} persons with a choice would be in the canary."
    if old.policy != new.policy:
        yield (
            f"  policy {written(old.policy)} -> {written(new.policy)}: the probabilities above are those of "
            "the old one; `offerstream evaluate` estimates what another one earns."
        )
    if found.no_offers:
        yield f"  {found.no_offers} of the decisions were for persons who get no offers; they stay so."
