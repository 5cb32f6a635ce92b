"""A check on half a screen of plain text."""

import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

from flows.studies.check.advice import advice
from flows.studies.check.findings import Findings, SourceFindings
from flows.studies.check.tally import time_text
from operators.decisions.order_joins import ORDER_KEYS

WIDTH: Final = 100
NAME: Final = 11
SOURCES: Final = 3
CLASSES: Final = 5
NAMES: Final = 8
"""So many are shown; with one or two lines each they fit on half a screen."""


def text(found: Findings) -> str:
    """Return at most 25 lines: what was read, taken, refused, how it joins, and one sentence of advice."""
    lines = [*_sources(found), *_body(found), "", *textwrap.wrap(advice(found), WIDTH)]
    return "\n".join(lines) + "\n"


def _sources(found: Findings) -> Iterator[str]:
    for each in found.sources[:SOURCES]:
        which = "all" if each.is_whole else "the first" if each.partitions is None else "the newest"
        where = "" if each.partitions is None else f" of {_number(each.partitions, 'partition')}"
        how = " (detected)" if each.is_found else ""
        yield f"{each.name}: {which} {_number(each.records, 'record')}{where}, in format {each.form}{how}"
    if len(found.sources) > SOURCES:
        yield f"and {len(found.sources) - SOURCES} more"


def _body(found: Findings) -> Iterator[str]:
    tally, counts = found.tally, found.tally.counts
    more = f"; {_number(counts.duplicate, 'duplicate')}" if counts.duplicate else ""
    kinds = f": {_most(tally.kinds.most_common())}" if tally.kinds else ""
    yield _line("taken", f"{counts.processed:,} of {_number(found.total, 'event')}{kinds}{more}")
    if tally.refused:
        others = f", {len(tally.refused) - CLASSES} more classes" if len(tally.refused) > CLASSES else ""
        yield _line("refused", f"{counts.rejected:,}{others}")
        for class_, count in tally.refused.most_common(CLASSES):
            yield _line("", f"{count:,} {class_}, first {tally.examples[class_]}", lines=1)
    if tally.dropped:
        yield _line("dropped", _most(tally.dropped.most_common()), lines=1)
    if counts.processed:
        yield from _of_events(found)
    if len(found.sources) == 1 and found.total:
        yield _line("formats", _fits(found.sources[0]), lines=1)


def _of_events(found: Findings) -> Iterator[str]:
    tally, counts, joins = found.tally, found.tally.counts, found.tally.joins
    sorting = " (a replay sorts them first)" if all(each.partitions is None for each in found.sources) else ""
    late = f"; {counts.late:,} late{sorting if counts.late else ''}, {counts.clamped:,} clamped"
    first, last = ((time_text(each) or "").removesuffix("+00:00") for each in (tally.first_s, tally.last_s))
    yield _line("time", f"{first} to {last} UTC{late}", lines=1)
    unknown = f"; not in the offers file: {', '.join(sorted(found.unknown_markets)[:CLASSES])}"
    markets = _most(tally.markets.most_common(), shown=CLASSES)
    yield _line("markets", markets + (unknown if found.unknown_markets else ""), lines=1)
    currencies = _most(tally.currencies.most_common())
    yield _line("currency", currencies or "none is named", lines=1)
    yield _line("who", f"{_number(tally.visitors, 'visitor')}, {_number(tally.carts, 'cart')}")
    joined = joins.joined()
    by = f": {_most(joined.most_common(), 'by ')}" if joined else ""
    repeated = f"; {joins.repeated:,} told again" if joins.repeated else ""
    if not joins.orders:
        yield _line("orders", "none")
    else:
        yield _line("orders", f"{sum(joined.values()):,} of {joins.orders:,} join{by}{repeated}")
        carried = [(key, joins.carried[key]) for key in ORDER_KEYS if joins.carried[key]]
        lacking = ", ".join(key for key in ORDER_KEYS if not joins.carried[key])
        said = _most(carried, shown=len(ORDER_KEYS)) or "nothing that says whose they are"
        yield _line("", f"they carry: {said}" + (f"; none: {lacking}" if lacking else ""))


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _fits(source: SourceFindings) -> str:
    """Which formats take how many of the first records; the one that is read, whatever it takes."""
    best = sorted(source.fits.items(), key=lambda each: (-each[1].modelled, -each[1].taken))
    taking = [(name, fit) for name, fit in best if fit.taken or name == source.form]
    said = ", ".join(f"{name} takes {fit.taken:,} of {fit.messages:,}" for name, fit in taking)
    return said + ("" if len(taking) == len(best) else "; no other takes any")


def _most(counted: Iterable[tuple[str, int]], prefix: str = "", shown: int = NAMES) -> str:
    every = list(counted)
    said = ", ".join(f"{count:,} {prefix}{name}" for name, count in every[:shown])
    return f"{said} and {len(every) - shown} more" if len(every) > shown else said


def _line(name: str, said: str, lines: int = 2) -> str:
    """Return a line, or two; what is longer is cut."""
    indent = " " * NAME
    return textwrap.fill(
        " ".join(said.split()),
        WIDTH,
        initial_indent=name.ljust(NAME),
        subsequent_indent=indent,
        max_lines=lines,
        placeholder=" …",
    )
