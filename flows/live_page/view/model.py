"""How good the abandonment model is: AUC, calibration, drift; and what was rejected."""

from typing import Any

from flows.live_page.view import plots
from flows.live_page.view.now import drift_words
from flows.live_page.view.seen import Seen
from flows.live_page.view.words import NOTHING, clock, count, percent, readable
from flows.observability.metric_names import Metric


def model(seen: Seen) -> dict[str, Any]:
    """Return the model's figures in sentences, its calibration drawn, and the latest drifts."""
    figures, record = seen.own_figures, seen.market.model
    auc, error, base = (figures.get(name) for name in ("auc", "calibration_error", "base_rate"))
    facts = []
    if auc is not None:
        facts.append(
            (
                "AUC",
                f"{auc:.2f}",
                (
                    "of two carts, one left and one bought, it ranks the right one as riskier "
                    f"{percent(auc)} of the time (50 % is chance)"
                ),
            )
        )
    if error is not None:
        facts.append(
            ("Calibration", f"{error * 100:.1f} points", "so far its probabilities are off on average")
        )
    if base is not None:
        facts.append(("Carts left", percent(base), "of those that no offer preceded"))
    outcomes = figures.get("updates", 0.0)
    sentence = (
        f"Over {count(outcomes, 'outcome')}." if outcomes else "No cart was both scored and finished yet."
    )
    return {
        "facts": facts,
        "sentence": sentence,
        "plot": _calibration(seen),
        "drifts": [
            (
                clock(each.at.seconds, seen.zone),
                drift_words(each.what),
                f"{each.before:.2f}",
                f"{each.after:.2f}",
                each.triggered,
            )
            for each in reversed(list(record.drifts)[-5:])
        ],
        "drift": f"{count(record.drift_count, 'drift')} noticed."
        if record.drift_count
        else "No drift was noticed.",
    }


def _calibration(seen: Seen) -> str | None:
    bins = seen.market.model.bins()
    if not bins:
        return None
    most = max(each.weight for each in bins)
    marks = "".join(
        plots.dot((each.predicted, each.abandoned), "policy", 3 + round(5 * (each.weight / most) ** 0.5))
        for each in bins
    )
    words = ", ".join(
        f"{percent(each.abandoned)} left where {percent(each.predicted)} was predicted" for each in bins
    )
    return plots.plot(
        "calibration",
        f"Predicted against true share of carts left: {words}.",
        plots.line([(0.0, 0.0), (1.0, 1.0)], "perfect"),
        across=plots.grid(plots.axis(0, 1), ["0 %", "25 %", "50 %", "75 %", "100 %"]),
        labels=marks + plots.feet([(0.0, "0 %"), (0.5, "predicted"), (1.0, "100 %")]),
    )


def rejects(seen: Seen) -> dict[str, Any]:
    """Return what was rejected, by class, with the latest example of each."""
    counted = seen.figures.exposition.by(Metric.REJECTS, "class")
    known = dict(seen.state.rejects.most_first())
    names = sorted({*counted, *known}, key=lambda name: -counted.get(name, 0.0))
    rows = [
        {
            "name": readable(name),
            "count": f"{counted.get(name, 0.0):,.0f}",
            "reason": known[name].reason if name in known else NOTHING,
            "place": known[name].place if name in known else NOTHING,
        }
        for name in names
    ]
    total = sum(counted.values())
    read = seen.figures.exposition.total(Metric.EVENTS)
    share = f", {percent(total / read, 1)} of what was read" if read and total else ""
    sentence = f"{count(total, 'event was', 'events were')} refused since the worker started{share}."
    return {"rows": rows, "sentence": sentence if rows else "Nothing was refused."}
