"""Every estimate of every policy over one log, with warnings."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from operators.evaluation.context_features import ContextFeatures
from operators.evaluation.empirical_policy import EmpiricalPolicy
from operators.evaluation.estimators import (
    Estimate,
    clipped_ips,
    direct,
    doubly_robust,
    ips,
    mean_reward,
    replay,
    snips,
)
from operators.evaluation.learning_replay import replay_learning
from operators.evaluation.log import Floats, Log
from operators.evaluation.overlap import LEAST_ROWS, OverlapReport, overlap
from operators.evaluation.reward_model import RewardModel
from operators.evaluation.row import Row
from operators.evaluation.rows import Rows
from operators.evaluation.target_probabilities import target_probabilities
from operators.evaluation.target_spec import TargetSpec
from schemas.errors import SetupError

TRAIN_SHARE: Final = 0.5


class PolicyReport(msgspec.Struct, frozen=True):
    """The estimates of one policy; do not believe them where ``answerable`` is False."""

    policy: str
    answerable: bool
    overlap: OverlapReport | None
    estimates: tuple[Estimate, ...]
    warnings: tuple[str, ...]


class EvaluationReport(msgspec.Struct, frozen=True):
    """What a log says about policies.

    Attributes
    ----------
    rows, visitors
        Numbers of the rows and visitors that policies are evaluated on; a learning policy sees all rows.
    trained_rows
        Earlier rows that policies were trained on before they were frozen.
    clip
        The greatest weight of ``clipped_ips``.
    logged
        What the rows earned as they were logged.
    policies
        The estimates of each policy.
    """

    rows: int
    visitors: int
    trained_rows: int
    clip: float
    logged: Estimate
    policies: tuple[PolicyReport, ...]


def evaluate(
    rows: Sequence[Row],
    specs: Sequence[TargetSpec],
    *,
    train_share: float = TRAIN_SHARE,
    clip: float | None = None,
    empirical: Mapping[str, EmpiricalPolicy] | None = None,
) -> EvaluationReport:
    """Return the estimates of each policy.

    Parameters
    ----------
    rows
        The log, sorted by time.
    specs
        The policies to evaluate.
    train_share
        The first rows by which policies are trained, above 0 and below 1; if one of the policies is to be
        trained, all are evaluated on the rest.
    clip
        The greatest weight of ``clipped_ips``, above 0; None: the square root of the number of rows.
    empirical
        The policy of the log of each ``like:FILE``, by file.

    Raises
    ------
    SetupError
        Where the log cannot answer what a policy would do, or a parameter is out of its range.
    """
    if not 0.0 < train_share < 1.0:
        raise SetupError(f"--train-share must be above 0 and below 1; got {train_share:g}")
    if clip is not None and not clip > 0.0:
        raise SetupError(f"--clip must be a number above 0; got {clip:g}")
    others = empirical or {}
    split = int(len(rows) * train_share) if any(spec.trained for spec in specs) else 0
    rows = Rows.of(rows)
    before, evaluated = rows[:split], rows[split:]
    if not evaluated or (split == 0 and any(spec.trained for spec in specs)):
        raise SetupError(f"the log must have rows to train on and rows to judge; it has {len(rows)} in all")
    arms = tuple(sorted({*rows.arms(), *(arm for each in others.values() for arm in each.arms)}))
    log = evaluated.log(arms)
    model = RewardModel(log, ContextFeatures(evaluated), len(arms))
    predicted = model.predicted()
    limit = float(np.sqrt(log.size)) if clip is None else clip
    found = []
    for spec in specs:
        if spec.kind == "learning":
            found.append(_learning(spec, rows))
        else:
            target = target_probabilities(spec, evaluated, arms, before, others.get(spec.name))
            found.append(_frozen(spec, log, target, model, predicted, limit))
    visitors = int(log.clusters.max()) + 1
    return EvaluationReport(log.size, visitors, split, limit, mean_reward("logged", log), tuple(found))


def _frozen(  # noqa: PLR0913, PLR0917  a policy, the log, and the models made of it once for all policies
    spec: TargetSpec, log: Log, target: Floats, model: RewardModel, predicted: Floats, clip: float
) -> PolicyReport:
    known = overlap(log, target)
    estimates = (
        replay(log, target),
        ips(log, target),
        clipped_ips(log, target, clip),
        snips(log, target),
        direct(log, target, predicted, model.doubt(target, predicted)),
        doubly_robust(log, target, predicted),
    )
    notes = list(known.warnings)
    if known.verdict == "too little":
        notes.append("direct is an extrapolation here: nothing in the log can contradict it")
    if float(np.ptp(log.rewards)) == 0.0:
        notes.append("every row earned the same: how much rewards vary is not known, nor counted")
    if float(np.ptp(log.propensities)) > 1e-9:
        notes.append("replay is biased: the arms were not logged with equal probability")
    return PolicyReport(spec.text, known.verdict != "too little", known, estimates, tuple(notes))


def _learning(spec: TargetSpec, rows: Sequence[Row]) -> PolicyReport:
    found = replay_learning(spec, rows)
    notes = ["it goes on learning: judged by replay alone, over the whole log"]
    if found.taken < LEAST_ROWS:
        notes.insert(0, f"only {found.taken} rows are ones it would have chosen; too few to say anything")
    if found.capped > 0.0:
        notes.append(f"{found.capped:.1%} of the rows should have counted more than once: a bias")
    estimates = () if found.estimate is None else (found.estimate,)
    return PolicyReport(spec.text, found.taken >= LEAST_ROWS, None, estimates, tuple(notes))
