"""How far the market is rolled out, what is stopped, and what people have changed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from flows.controls.values import written
from flows.live_page.state.changes import ChangeSeen
from flows.live_page.view.seen import Seen
from flows.live_page.view.words import percent
from flows.observability.metric_names import Metric
from schemas.rollout import Stage

SHOWN: Final = 8
STAGES: Final[dict[Stage, str]] = {
    "shadow": "All is decided and logged, and no offer is published.",
    "rule": "A fixed rule chooses what is published, and the policy learns beside it.",
    "canary": "The policy speaks to a sticky share of the persons.",
    "online": "The policy speaks to everybody but the holdout.",
}


def rollout(seen: Seen) -> dict[str, Any]:
    """Return the stage of the market, the stages it can have, and whether it is stopped."""
    found, is_killed = seen.settings.rollout, seen.settings.killed or seen.shop.killed
    stages = [
        {"name": stage, "about": about, "is_now": stage == found.stage}
        for stage, about in STAGES.items()
        if stage != "rule" or found.rule is not None
    ]
    words = STAGES[found.stage]
    if found.stage == "canary":
        words = f"The policy speaks to {percent(found.share)} of the persons, who stay the same."
    criteria = found.promote_when
    return {
        "stage": found.stage,
        "sentence": words,
        "stages": stages,
        "killed": is_killed,
        "killed_everywhere": seen.shop.killed,
        "holdout": percent(seen.settings.holdout),
        "criteria": None
        if criteria is None
        else f"The next stage is worth it from {criteria.persons:,} persons on, with the interval of the "
        f"lift above {seen.money(criteria.lift_above)} a person.",
    }


def changes(seen: Seen) -> dict[str, Any]:
    """Return the latest changes by controls: who, what, and whether the worker has them in force."""
    versions = seen.figures.exposition.by(Metric.CONTROLS_VERSION, "market")
    rows = [_row(seen, each, versions) for each in seen.state.changes.latest(SHOWN)]
    return {
        "rows": rows,
        "proposals": [
            {"id": change.id, "by": change.by, "what": _what(dict(change.set))}
            for change in seen.state.changes.history.proposals.values()
        ],
        "sentence": "" if rows else "Nobody has changed anything: the offers file alone is in force.",
    }


def _row(seen: Seen, change: ChangeSeen, versions: Mapping[str, float]) -> dict[str, Any]:
    at = datetime.fromtimestamp(change.at_s, UTC).astimezone(seen.zone)
    return {
        "number": change.number,
        "at": f"{at:%d %b %H:%M:%S}",
        "by": change.by,
        "what": _what(change.set),
        "comment": change.comment,
        "level": {"refused": "bad", "applied": "good"}.get(change.outcome, "unknown"),
        "outcome": _outcome(seen, change, versions),
    }


def _outcome(seen: Seen, change: ChangeSeen, versions: Mapping[str, float]) -> str:
    match change.outcome:
        case "refused":
            return f"refused: {change.why}"
        case "proposed":
            return "waits for somebody else's approval"
        case "withdrawn":
            return "withdrawn"
    done = set(change.applied) | {
        name for name in seen.state.markets if versions.get(name, 0.0) >= change.number
    }
    missing = [name for name in seen.state.markets if name not in done]
    if not missing:
        return "in force"
    return "sent; the worker has not said yet that it is in force" + (
        f" in {', '.join(missing)}" if done else ""
    )


def _what(settings: dict[str, object]) -> str:
    return ", ".join(
        f"{path} is {'as in the file' if value is None else written(value)}"
        for path, value in settings.items()
    )
