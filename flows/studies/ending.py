"""How a run over files ends: in sentences of what was taken, what was not, and the likeliest cause."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from flows.observability.market_watch import bad_markets
from flows.settings import Settings
from flows.studies.file_samples import fits_of_files
from schemas.adapters.guessing import better_format
from schemas.errors import NothingTakenError

MANY: Final = 0.5
"""Where more of the records than this are rejected, another format is looked for."""


def ending(summary: Mapping[str, Any], inputs: Sequence[Path], form: str, settings: Settings) -> list[str]:
    """Return the sentences that a run over files ends with, from its summary.

    Raises NothingTakenError with them where no record was taken.
    """
    counts = summary["input"]
    taken, rejected, duplicates = counts["processed"], counts["rejected"], counts["duplicate"]
    total = taken + rejected + duplicates
    # A record may hold several events, or none.
    what = "records" if counts["read"] == total else f"events of {counts['read']:,} records"
    said = [f"{taken:,} of {total:,} {what} were taken{_not_taken(summary, duplicates)}."]
    if not counts["read"]:
        said = [f"0 records were taken: there are none in {', '.join(map(str, inputs))}."]
    if rejected > MANY * total:
        likely = better_format(form, fits_of_files(inputs, form, settings))
        said += [] if likely is None else [f"This looks like format {likely}: try --format {likely}."]
    if not taken:
        raise NothingTakenError(" ".join(said))
    return [*said, *_decisions(summary["records"], settings), *bad_markets(summary["markets"]).values()]


def _not_taken(summary: Mapping[str, Any], duplicates: int) -> str:
    """What was not taken, the most frequent first, with an example of each class."""
    rejects = sorted(summary["rejects"].items(), key=lambda each: (-each[1], each[0]))
    parts = [
        f"{number:,} {'is' if number == 1 else 'are'} {class_}, {summary['examples'][class_]}"
        for class_, number in rejects
    ]
    if duplicates:
        parts.append(f"{duplicates:,} {'is a duplicate' if duplicates == 1 else 'are duplicates'}")
    return f": {'; '.join(parts)}" if parts else ""


def _decisions(records: Mapping[str, int], settings: Settings) -> list[str]:
    decisions, moments = records["decisions"], records["scores"]
    if decisions:
        return [f"{decisions:,} decisions were taken and {records['rewards']:,} rewards came of them."]
    if not moments:
        return ["No decision was taken: nobody put anything into a cart."]
    triggers = ", ".join(sorted(settings.triggers))
    return [f"No decision was taken: of {moments:,} moments none was {triggers}."]
