"""What each policy would do in each row, frozen before it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

import numpy as np

from operators.bandits import Policy
from operators.evaluation.empirical_policy import EmpiricalPolicy
from operators.evaluation.log import Floats
from operators.evaluation.row import Row
from operators.evaluation.target_spec import TargetSpec, new_policy
from schemas.errors import SetupError
from schemas.shop import NO_OFFER


def trained_policy(spec: TargetSpec, rows: Sequence[Row]) -> Policy:
    """Return the policy after an update with each of these rows, in their order."""
    policy = new_policy(spec)
    for row in rows:
        policy.update(row.arm, row.context, row.reward)
    return policy


def target_probabilities(
    spec: TargetSpec,
    rows: Sequence[Row],
    arms: Sequence[str],
    before: Sequence[Row],
    empirical: EmpiricalPolicy | None = None,
) -> Floats:
    """Return the probabilities of a policy, (rows, arms); only eligible arms have one above 0.

    ``before`` are the rows on which a policy that learns is trained; ``empirical`` is the policy of the log
    that ``like:FILE`` names. Where the arm of ``always`` is not eligible, `no_offer` is chosen. Raises
    SetupError where the rows do not determine what the policy would do.
    """
    return _matrix(_distributions(spec, rows, arms, before, empirical), len(rows), arms)


def _matrix(distributions: Iterable[Mapping[str, float]], size: int, arms: Sequence[str]) -> Floats:
    """Return ``size`` distributions as (rows, arms), 0 where an arm is not named."""
    place = {arm: at for at, arm in enumerate(arms)}
    found = np.zeros((size, len(arms)))
    for row, each in zip(found, distributions, strict=True):
        for arm, probability in each.items():
            row[place[arm]] = probability
    return found


def _distributions(
    spec: TargetSpec,
    rows: Sequence[Row],
    arms: Sequence[str],
    before: Sequence[Row],
    empirical: EmpiricalPolicy | None,
) -> Iterator[Mapping[str, float]]:
    if spec.kind == "always":
        return ({_always(spec, row, arms): 1.0} for row in rows)
    if spec.kind == "uniform":
        return (dict.fromkeys(row.eligible, 1.0 / len(row.eligible)) for row in rows)
    if spec.kind == "columns":
        return (_logged(spec, row) for row in rows)
    if spec.kind == "like" and empirical is not None:
        return (empirical.probabilities(row) for row in rows)
    policy = trained_policy(spec, before)
    found = (policy.probabilities(row.eligible, row.context, surcharges=row.surcharges) for row in rows)
    return cast("Iterator[Mapping[str, float]]", found)


def _always(spec: TargetSpec, row: Row, arms: Sequence[str]) -> str:
    if spec.name not in arms:
        raise SetupError(
            f"--policy {spec.text} must name an arm of the log: {_listed(arms)}; got {spec.name!r}"
        )
    if spec.name in row.eligible:
        return spec.name
    if NO_OFFER in row.eligible:
        return NO_OFFER
    raise SetupError(f"--policy {spec.text} must be eligible in every row; it is not at {row.at}")


def _logged(spec: TargetSpec, row: Row) -> Mapping[str, float]:
    found = row.policies.get(spec.name)
    if found is None:
        raise SetupError(
            f"--policy {spec.text} needs columns {spec.name}:ARM with its probabilities; there are none"
        )
    return found


def _listed(arms: Sequence[str], most: int = 8) -> str:
    return ", ".join(arms[:most]) + (f" and {len(arms) - most} more" if len(arms) > most else "")
