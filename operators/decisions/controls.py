"""The controls of one market: what they set on top of the offers file, and the shop that follows."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from operators.controls.cause import Cause
from operators.controls.in_force import fitting
from operators.decisions.settings import DecisionSettings
from operators.decisions.shop_checks import check_default_policy, check_shop
from operators.streaming.messages import ControlsChange, ControlSetting, OutputRecord
from schemas.decisions import ControlApplied
from schemas.records import Timestamp, encode
from schemas.shop import Shop


class ControlsState(msgspec.Struct, array_like=True, frozen=True):
    """The version of the controls that a market runs with, and what they set."""

    version: int = 0
    settings: tuple[ControlSetting, ...] = ()


class MarketControls:
    """What is in force in a market. Bounded as what ``ControlHistory`` accepts.

    ``left_out`` says, by path, why a setting has no place in the offers file: it has changed since.
    """

    def __init__(self, file: Shop, settings: DecisionSettings, state: ControlsState | None = None) -> None:
        self._file = file
        self._settings = settings
        self._take(ControlsState() if state is None else state)

    def _take(self, state: ControlsState) -> None:
        self.state = state
        self.shop, self.left_out = fitting(self._file, _values(state.settings), self._check)

    @property
    def version(self) -> int:
        """The number of the latest change in force, zero where only the file is."""
        return self.state.version

    def take(self, change: ControlsChange) -> bool:
        """Take up a change; return whether it is newer than what is in force."""
        if change.version <= self.version:
            return False
        self._take(ControlsState(change.version, change.settings))
        return True

    def _check(self, shop: Shop) -> None:
        check_shop(shop, timedelta(seconds=self._settings.correction_s))
        check_default_policy(shop, self._settings.policy)


def control_record(change: ControlsChange, cause: Cause) -> OutputRecord:
    """Return the ControlApplied record of a change that is in force in a market."""
    record = ControlApplied(
        control_id=f"{change.market}-control-{change.version}",
        market=change.market,
        at=Timestamp(change.at_s),
        version=change.version,
        change_id=cause.change,
        set=cause.set,
        before=cause.before,
        by=cause.by,
        approved_by=cause.approved_by,
        comment=cause.comment,
    )
    return OutputRecord("decisions", "control_applied", change.market, record.control_id, encode(record))


def _values(settings: tuple[ControlSetting, ...]) -> Mapping[str, Any]:
    return {each.path: None if each.value is None else msgspec.json.decode(each.value) for each in settings}
