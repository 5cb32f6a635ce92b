"""What an offers file must keep beside its own rules: policies that exist, windows that can be corrected."""

from datetime import timedelta

from operators.bandits.fixed_policy import ALWAYS, is_fixed
from operators.bandits.spec import policy_from_spec
from operators.decisions.audience import check_audiences
from schemas.errors import SetupError
from schemas.shop import NO_OFFER, Shop


def check_shop(shop: Shop, correction: timedelta) -> None:
    """Raise SetupError for a reward window too long to be corrected, and for a wrong audience or policy."""
    for offer in shop.offers:
        if offer.reward_window > correction:
            raise SetupError(
                f"reward_window of {offer.name} must be at most the correction period {correction}; "
                f"got {offer.reward_window}"
            )
    check_audiences(shop)
    for name, market in shop.markets.items():
        arms = [offer.name for offer in shop.arms(name)]
        if market.policy is not None:
            _check_policy(market.policy, arms, f"markets.{name}.policy")
        rule = market.rollout.rule
        if rule is not None:
            if not is_fixed(rule):
                raise SetupError(
                    f"markets.{name}.rollout.rule must be none, uniform or always:ARM, since a rule learns "
                    f"nothing; got {rule!r}"
                )
            _check_policy(rule, arms, f"markets.{name}.rollout.rule")


def check_default_policy(shop: Shop, policy: str) -> None:
    """Raise SetupError where the policy of markets that name none has an arm that no market has."""
    _check_arm(policy, [offer.name for offer in shop.offers], f"policy {policy}")


def _check_policy(spec: str, arms: list[str], key: str) -> None:
    try:
        policy_from_spec(spec, seed=0)
    except SetupError as error:
        raise SetupError(f"{key}: {error}") from None
    _check_arm(spec, arms, key)


def _check_arm(spec: str, arms: list[str], key: str) -> None:
    arm, arms = spec.removeprefix(ALWAYS), [NO_OFFER, *arms]
    if spec.startswith(ALWAYS) and arm not in arms:
        raise SetupError(f"{key}: the arm must be one of {', '.join(arms)}; got {arm!r}")
