"""What people read of controls, as lines of text."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from flows.controls.log import ControlLog, Line
from flows.controls.values import written
from operators.controls.in_force import value_in
from schemas.controls import Change
from schemas.errors import SetupError
from schemas.shop import Shop


def show(log: ControlLog, file: Shop) -> Iterator[str]:
    """Yield what differs from the offers file and who set it, criteria of rollouts, and open proposals."""
    history = log.history
    if not history.settings:
        yield "The offers file alone is in force" + (
            f" (version {history.version})." if history.version else ": controls have changed nothing."
        )
    else:
        yield f"Version {history.version} is in force. It differs from the offers file in:"
        for path in history.settings:
            by = log.set_by(path)
            yield (
                f"  {path} = {written(value_in(history.in_force.shop, path))}"
                f"  (file: {written(value_in(file, path))}; version {by.version}, {_who(by.change)})"
            )
            if path in history.in_force.left_out:
                yield f"    not in force: {history.in_force.left_out[path]}"
    yield from _criteria(history.in_force.shop)
    if history.proposals:
        yield "Proposals that wait for another name's approval:"
        for change in history.proposals.values():
            yield f"  {change.id}: {_settings(change.set)}  ({_who(change)})"
    if log.unreadable:
        yield f"{log.unreadable} records of the topic are no controls; the worker has rejected them."


def _criteria(shop: Shop) -> Iterator[str]:
    """Yield when the next stage of each rollout is worth it, as far as somebody has said so."""
    rollouts = {name: market.rollout for name, market in shop.markets.items()}
    if any(rollout.promote_when for rollout in rollouts.values()):
        yield "Criteria of promotion, which `offerstream lift --offers` reports on and nothing applies:"
    for name, rollout in rollouts.items():
        if (wanted := rollout.promote_when) is not None:
            yield (
                f"  markets.{name}.rollout: from {rollout.stage}, with {wanted.persons:,} persons and the "
                f"interval of lift in profit a person above {wanted.lift_above:g}"
            )


def show_path(log: ControlLog, path: str) -> Iterator[str]:
    """Yield what is in force at a path, and who set it; SetupError where there is nothing."""
    shop = log.history.in_force.shop
    value = value_in(shop, path)
    if value is None and path not in log.history.settings:
        outer = path.rpartition(".")[0]
        near = shop.model_dump(mode="json") if not outer else value_in(shop, outer)
        if not isinstance(near, dict) or path.rpartition(".")[2] not in near:
            raise SetupError(f"PATH must be one of the offers file such as markets.uk.holdout; got {path!r}")
    yield json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict) else written(value)
    for each in log.history.settings:
        if each == path or each.startswith(f"{path}.") or path.startswith(f"{each}."):
            by = log.set_by(each)
            yield f"{each} was set by controls: version {by.version}, {_who(by.change)}"


def history(log: ControlLog) -> Iterator[str]:
    """Yield one line for each record: its number, when and who, what it did."""
    if not log.lines:
        yield "Controls have changed nothing yet."
    for line in log.lines:
        record = line.record
        yield f"{line.number:4d}  {_when(record.at)}  {record.by:12s} {_deed(line)}{_comment(record.comment)}"


def _deed(line: Line) -> str:
    if line.entry is None:
        return f"refused: {line.why}"
    change = line.entry.change
    what = _changes(change.set, line.entry.before)
    match line.outcome:
        case "proposed":
            return f"proposed {change.id}: {what}"
        case "withdrawn":
            return f"withdrew {change.id} of {change.by}"
        case _ if line.entry.approved_by is not None:
            return f"approved {change.id} of {change.by}: {what}"
        case _:
            return what


def diff(log: ControlLog, older: int, newer: int) -> Iterator[str]:
    """Yield what holds at one version and at another, where they differ."""
    before, after = log.shop_at(older), log.shop_at(newer)
    paths = dict.fromkeys((*log.settings_at(older), *log.settings_at(newer)))
    lines = [
        f"{path}: {written(value_in(before, path))} -> {written(value_in(after, path))}"
        for path in paths
        if value_in(before, path) != value_in(after, path)
    ]
    yield from lines or [f"Versions {older} and {newer} do not differ."]


def changes(set_: dict[str, Any], before: Shop, after: Shop) -> Iterator[str]:
    """Yield what a change does to the shop in force, a line a path."""
    for path in set_:
        yield f"  {path}: {written(value_in(before, path))} -> {written(value_in(after, path))}"


def _changes(set_: dict[str, Any], before: dict[str, Any]) -> str:
    return ", ".join(
        f"{path} {written(before[path])} -> {'as filed' if value is None else written(value)}"
        for path, value in set_.items()
    )


def _settings(set_: dict[str, Any]) -> str:
    return ", ".join(
        f"{path} -> {'as filed' if value is None else written(value)}" for path, value in set_.items()
    )


def _who(change: Change) -> str:
    return f"{change.by}, {_when(change.at)}{_comment(change.comment)}"


def _when(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _comment(comment: str | None) -> str:
    return "" if not comment else f", {comment!r}"


def text(lines: Iterable[str]) -> str:
    """Return lines as text."""
    return "".join(f"{line}\n" for line in lines)
