"""One market as the offers file and the controls have it now: its offers, what chooses, what is stopped."""

from zoneinfo import ZoneInfo

from operators.bandits import Policy
from operators.bandits.spec import policy_from_spec, restored_policy
from operators.decisions.controls import ControlsState, MarketControls
from operators.decisions.open_decisions import OpenDecision
from operators.decisions.output_records import EndReason
from operators.decisions.selection import Choosers
from operators.decisions.settings import DecisionSettings
from operators.streaming.messages import ControlsChange
from schemas.shop import Shop


class MarketInForce:
    """What is in force in one market. Bounded as ``MarketControls`` is.

    ``offers`` are its offers by name, ``windows_s`` their reward windows, ``zone`` is its time zone,
    ``policy_spec`` what its policy is made by.
    """

    def __init__(
        self, file: Shop, name: str, settings: DecisionSettings, state: ControlsState | None = None
    ) -> None:
        self.controls = MarketControls(file, settings, state)
        self._name = name
        self._settings = settings
        self._configure()

    def _configure(self) -> None:
        shop, seed = self.controls.shop, self._settings.seed
        self.market = shop.markets[self._name]
        self.offers = {offer.name: offer for offer in shop.arms(self._name)}
        self.windows_s = {name: offer.reward_window.total_seconds() for name, offer in self.offers.items()}
        self.zone = ZoneInfo(self.market.timezone)
        self.policy_spec = self.market.policy or self._settings.policy
        rule = self.market.rollout.rule
        self._rule = None if rule is None else policy_from_spec(rule, seed=seed)

    def take(self, change: ControlsChange) -> bool:
        """Take up a change by controls; return whether it is newer than what is in force."""
        if not self.controls.take(change):
            return False
        self._configure()
        return True

    @property
    def shop(self) -> Shop:
        """The whole shop."""
        return self.controls.shop

    @property
    def is_shadow(self) -> bool:
        """Whether nothing is published."""
        return self._settings.shadow or self.market.rollout.stage == "shadow"

    def new_policy(self) -> Policy:
        """Return a policy that has learned nothing."""
        return policy_from_spec(self.policy_spec, seed=self._settings.seed)

    def restored_policy(self, snapshot: bytes, spec: str) -> Policy | None:
        """Return the policy with what a snapshot learned under a spec, None where it is another policy."""
        return restored_policy(self.policy_spec, snapshot, spec, seed=self._settings.seed)

    def choosers(self, policy: Policy) -> Choosers:
        """Return what draws the arms."""
        return Choosers(policy, self.policy_spec, self._rule, self.market.rollout.rule)

    def may_stop(self, arm: str) -> bool:
        """Return whether an open offer of an arm may be one that can no longer stand."""
        offer = self.offers.get(arm)
        return self.shop.killed or self.market.killed or offer is None or offer.paused or self.is_shadow

    def stops(self, decision: OpenDecision) -> EndReason | None:
        """Return why an open offer may no longer stand: ``killed`` or ``paused``; None where it may.

        An offer that the market no longer has is as if it were paused, and in shadow one that is still held.
        """
        if self.shop.killed or self.market.killed:
            return "killed"
        offer = self.offers.get(decision.terms.arm)
        if offer is None or offer.paused or (self.is_shadow and not decision.published):
            return "paused"
        return None
