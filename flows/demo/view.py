"""What the demo shows on a terminal while it runs, and the table at its end."""

from pathlib import Path
from types import TracebackType
from typing import Final, Self

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from flows.demo.sentences import next_commands, sentences
from flows.demo.snapshot import Snapshot, hours, line, model, money, percent, rejects, sparkline
from flows.live_page.view.seen import Seen

LINE_EVERY_S: Final = 5.0


def render(now: Snapshot) -> RenderableType:
    """Return the live view."""
    parts: list[RenderableType] = [
        Columns([_in_and_out(now), _quality(now)], expand=True, equal=True),
        arms_table(now),
    ]
    if now.curve:
        title = "learning: reward per decision, from the beginning to now"
        parts.append(Panel(Text(f"{sparkline(now.curve, 60)}  {now.curve[-1]:.2f}", "green"), title=title))
    if now.incident:
        parts.append(Panel(Text(now.incident), title="incident"))
    if now.recent:
        parts.append(Panel(Text("\n".join(now.recent), overflow="ellipsis"), title="recent offers"))
    return Group(*parts)


def summary(now: Snapshot) -> RenderableType:
    """Return the tables at the end."""
    figures = _pairs(
        ("events read", f"{now.events:,} in {now.elapsed_s:.0f} s, {hours(now.simulated_s)} of shopping"),
        ("rejected", rejects(now)),
        ("decisions, offers", f"{now.decisions:,}, {now.offers:,}"),
        ("reward per decision", money(now.reward)),
        *_lift(now),
        ("share of the oracle's advantage", percent(now.share_of_oracle)),
        ("abandonment model", model(now)),
    )
    return Group(Panel(figures, title="summary"), arms_table(now))


def arms_table(now: Snapshot) -> Table:
    """Return the table of arms, the most chosen first."""
    table = Table(title="decisions by arm", expand=True)
    table.add_column("arm")
    for name in ("decisions", "share", "reward", "true value"):
        table.add_column(name, justify="right")
    total = sum(arm.decisions for arm in now.arms.values())
    for name, arm in sorted(now.arms.items(), key=lambda item: (-item[1].decisions, item[0])):
        share = percent(arm.decisions / total if total else None)
        table.add_row(name, f"{arm.decisions:,}", share, money(arm.reward), money(arm.true_value))
    return table


class View:
    """Shows snapshots: a live view on a terminal, else one line every five seconds."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = Console() if console is None else console
        self._live: Live | None = None
        self._next_line_s = 0.0

    def begin(self, url: str, *, is_open: bool) -> None:
        """Say where the live page is, and whether it was opened."""
        where = "is open in your browser" if is_open else "is at"
        self._say(f"The live page {where} {url}")

    def show(self, now: Snapshot) -> None:
        """Show the snapshot; without a terminal, only if it is time for another line."""
        if self._live is not None:
            self._live.update(render(now))
        elif now.elapsed_s >= self._next_line_s:
            self._next_line_s = now.elapsed_s + LINE_EVERY_S
            self.console.print(line(now), soft_wrap=True, highlight=False)
            if now.incident:
                self._say(f"  {now.incident}")

    def finish(self, now: Snapshot, seen: Seen | None = None, report: Path | None = None) -> None:
        """Leave the live view; print the summary, what it means, what was left and what is next."""
        self._close()
        self.console.print(summary(now))
        said = [] if seen is None else list(sentences(seen))
        for words in [*said, *([now.incident] if now.incident else [])]:
            self._say(f"- {words}")
        if report is not None:
            self._say(f"\nIts records and a report are in {report.parent}: open {report}")
            self._say("Next:")
            for command, says in next_commands(str(report.parent)):
                self._say(f"  {command}\n      {says}")

    def _say(self, words: str) -> None:
        self.console.print(words, soft_wrap=True, highlight=False, markup=False)

    def _close(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __enter__(self) -> Self:
        """Take the terminal, if there is one."""
        if self.console.is_terminal:
            self._live = Live(console=self.console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the terminal."""
        self._close()


def _in_and_out(now: Snapshot) -> Panel:
    behind = f" (shoppers {now.behind_s:.0f} s behind)" if now.behind_s > 0 else ""
    figures = _pairs(
        ("time", f"{now.elapsed_s:.0f} s, {hours(now.simulated_s)} simulated{behind}"),
        ("events", f"{now.events:,}, {now.events_per_s:,.0f}/s"),
        ("rejected", rejects(now)),
        ("visitors, carts", f"{now.visitors:,}, {now.carts:,}"),
        ("decisions, offers", f"{now.decisions:,}, {now.offers:,}"),
    )
    return Panel(figures, title="in and out")


def _quality(now: Snapshot) -> Panel:
    figures = _pairs(
        ("reward per decision", money(now.reward)),
        *_lift(now),
        ("of the oracle's advantage", percent(now.share_of_oracle)),
        ("abandonment model", model(now)),
    )
    return Panel(figures, title="how good it is")


def _pairs(*rows: tuple[str, str]) -> Table:
    table = Table.grid(padding=(0, 2))
    for name, value in rows:
        table.add_row(Text(name, "dim"), Text(value))
    return table


def _lift(now: Snapshot) -> tuple[tuple[str, str], ...]:
    return (
        ("profit per visitor, treated", money(now.profit_treated)),
        ("profit per visitor, holdout", money(now.profit_holdout)),
    )
