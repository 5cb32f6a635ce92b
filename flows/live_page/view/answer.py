"""Whether it is worth it: the lift, and the learning curve beside the holdout."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from flows.live_page.state.course import CoursePoint
from flows.live_page.view import plots
from flows.live_page.view.seen import Seen, horizon_of
from flows.live_page.view.words import NOTHING, count, money_interval, percent, span
from operators.experiments.lift import MetricLift

LEAST_POINTS: Final = 2


def answer(seen: Seen) -> dict[str, Any]:
    """Return the lift in profit and in conversion, in sentences, with its intervals."""
    over = span(horizon_of(seen.shop, seen.name).total_seconds())
    found, lift = {"over": over, "figure": None, "interval": None}, seen.lift
    if lift is None or not lift.units.at_s.size:
        waiting = (
            "" if lift is None else f" {count(lift.pending, 'person is', 'persons are')} still in that time."
        )
        return found | {
            "sentence": f"Nobody's time of {over} after a first choice is over yet.{waiting}",
            "verdict": "not known yet",
            "level": "unknown",
            "details": [],
        }
    held_out = int(lift.units.held_out.sum())
    details = [
        (
            f"Measured on {count(lift.units.at_s.size, 'person')}, of whom {held_out:,} are held out and "
            f"never get an offer; what each buys within {over} of a first choice counts."
        ),
        _conversion(lift.conversion),
        (
            "The interval holds however often you look: the probability that it ever excludes the truth is "
            "at most 5 %."
        ),
    ]
    if seen.settings.rollout.stage != "online":
        details.append(f"The market is in stage {seen.settings.rollout.stage} of its rollout.")
    words, level, verdict = _profit(seen, lift.profit)
    if lift.is_doubtful:
        level, verdict = "bad", "doubtful"
        details.insert(
            0, "The share of the holdout is not the one that is set: trust no lift before you know why."
        )
    is_finite = math.isfinite(lift.profit.lower)
    return found | {
        "figure": seen.money(lift.profit.lift, signed=True),
        "interval": money_interval(lift.profit.lower, lift.profit.upper, seen.settings.currency)
        if is_finite
        else None,
        "sentence": words,
        "verdict": verdict,
        "level": level,
        "details": details,
    }


def _profit(seen: Seen, profit: MetricLift) -> tuple[str, str, str]:
    """Return a sentence on the lift in profit, its level, and a verdict in two words."""
    more = "more" if profit.lift >= 0 else "less"
    means = (
        f"A person who may get offers earned {seen.money(profit.policy)}, one of the holdout "
        f"{seen.money(profit.holdout)}: {seen.money(abs(profit.lift))} {more}."
    )
    if not math.isfinite(profit.lower):
        return f"{means} Too few have bought yet for an interval.", "unknown", "too early"
    if profit.lower > 0:
        return f"{means} The whole interval is above zero: offers pay.", "good", "offers pay"
    if profit.upper < 0:
        return (
            f"{means} The whole interval is below zero: offers cost more than they bring.",
            "bad",
            "offers lose",
        )
    return f"{means} The interval includes zero: it is not certain yet.", "unknown", "not certain yet"


def _conversion(conversion: MetricLift) -> str:
    words = (
        f"{percent(conversion.policy, 1)} of those who may get offers bought, "
        f"{percent(conversion.holdout, 1)} of the holdout"
    )
    if not math.isfinite(conversion.lower):
        return f"{words}."
    low, high = conversion.lower * 100, conversion.upper * 100
    return f"{words}: {conversion.lift * 100:+.1f} points (95 % interval {low:+.1f} to {high:+.1f})."


def learning(seen: Seen) -> dict[str, Any]:
    """Return the learning curve: the mean profit per decision so far, of the policy and of the holdout."""
    course = seen.market.course
    policy, holdout = course.learning(held_out=False), course.learning(held_out=True)
    if len(policy) < LEAST_POINTS:
        return {
            "plot": None,
            "sentence": "No window of a decision has ended yet, so nothing is earned yet.",
            "rows": [],
        }
    group = course.groups[False].interval()
    sentence = f"A decision of the policy earned {seen.money(group.mean)} so far"
    if math.isfinite(group.low):
        interval = money_interval(group.low, group.high, seen.settings.currency)
        sentence += f" (95 % interval {interval})"
    if holdout:
        sentence += f", one for the holdout {seen.money(holdout[-1].mean)}"
    return {
        "plot": _curve(seen, policy, holdout, f"{sentence}."),
        "sentence": f"{sentence}.",
        "rows": _rows(seen, policy, holdout),
        "legend": [("policy", "the policy, with its 95 % interval")]
        + ([("holdout", "the holdout, which gets no offers")] if holdout else []),
    }


def _curve(seen: Seen, policy: Sequence[CoursePoint], holdout: Sequence[CoursePoint], described: str) -> str:
    settled = [each for each in policy if each.high - each.low < 4 * _width(policy[-1])] or list(policy)
    ends = [value for each in settled for value in (each.low, each.high)]
    ends += [each.mean for each in holdout if each.at >= settled[0].at]
    up = plots.axis(min(ends), max(ends))
    begins, until = policy[0].at.timestamp(), max(policy[-1].at.timestamp(), policy[0].at.timestamp() + 1)

    def placed(at: datetime, value: float) -> plots.Point:
        x = (at.timestamp() - begins) / (until - begins)
        return min(max(x, 0.0), 1.0), min(max(up.at(value), 0.0), 1.0)

    marks = plots.band(
        [placed(each.at, each.low) for each in policy],
        [placed(each.at, each.high) for each in policy],
        "band",
    )
    if holdout:
        marks += plots.line([placed(each.at, each.mean) for each in holdout], "holdout")
    marks += plots.line([placed(each.at, each.mean) for each in policy], "policy")
    times = _times(seen, begins, until)
    return plots.plot(
        "learning",
        f"Profit per decision over time. {described}",
        marks,
        across=plots.grid(up, [seen.money(tick) for tick in up.ticks]),
        labels=plots.feet(times),
    )


def _width(point: CoursePoint) -> float:
    return max(point.high - point.low, 0.01)


def _times(seen: Seen, begins_s: float, until_s: float) -> list[tuple[float, str]]:
    """Return the beginning, the middle and the end of a time, as short as their distance allows."""
    shape = "%H:%M" if until_s - begins_s < 2 * 86_400 else "%d %b"
    places = (0.0, 0.5, 1.0)
    at_s = [begins_s + (until_s - begins_s) * place for place in places]
    return [
        (place, datetime.fromtimestamp(each, UTC).astimezone(seen.zone).strftime(shape))
        for place, each in zip(places, at_s, strict=True)
    ]


def _rows(
    seen: Seen, policy: Sequence[CoursePoint], holdout: Sequence[CoursePoint], most: int = 8
) -> list[tuple[str, str, str, str]]:
    """Return some of the points as a table for who cannot see the plot."""
    of_holdout = {each.at: each.mean for each in holdout}
    step = max(len(policy) // most, 1)
    return [
        (
            each.at.astimezone(seen.zone).strftime("%d %b %H:%M"),
            seen.money(each.mean),
            money_interval(each.low, each.high, seen.settings.currency),
            seen.money(of_holdout[each.at]) if each.at in of_holdout else NOTHING,
        )
        for each in policy[::-step][:most]
    ]


def shares(seen: Seen) -> dict[str, Any]:
    """Return how the choices of the policy are divided among the arms over time."""
    course = seen.market.course
    points, total = course.shares(), course.chosen.total()
    if not total:
        return {"plot": None, "sentence": "No decision had a choice yet.", "legend": []}
    arms = sorted(course.chosen, key=lambda arm: (arm != "no_offer", -course.chosen[arm], arm))
    kinds = plots.arm_kinds(arms)
    numbers = {arm: str(place) for place, arm in enumerate(arms, 1)}
    last = points[-1].shares
    top = max(last, key=lambda arm: last[arm])
    marks, notes = [], []
    width = 1 / len(points)
    for place, point in enumerate(points):
        low = 0.0
        for arm in arms:
            share = point.shares.get(arm, 0.0)
            if share > 0:
                marks.append(plots.box(place * width, (place + 0.94) * width, low, low + share, kinds[arm]))
                if place == len(points) - 1 and share >= 0.09:
                    notes.append((low + share / 2, numbers[arm]))
            low += share
    sentence = (
        f"Of {total:,} decisions with a choice, the latest went most often to {top.replace('_', ' ')} "
        f"({percent(last[top])})."
    )
    begins, until = points[0].at.timestamp(), points[-1].at.timestamp()
    return {
        "plot": plots.plot(
            "shares",
            f"Shares of the arms over time. {sentence}",
            "".join(marks),
            across=plots.grid(plots.axis(0, 1), ["0 %", "25 %", "50 %", "75 %", "100 %"]),
            labels=plots.feet(_times(seen, begins, until))
            + "".join(plots.note((1 - width / 2, at), text) for at, text in notes),
        ),
        "sentence": sentence,
        "legend": [
            (
                kinds[arm],
                numbers[arm],
                arm.replace("_", " "),
                percent(course.chosen[arm] / total),
                percent(last.get(arm, 0.0)),
            )
            for arm in arms
        ],
    }
