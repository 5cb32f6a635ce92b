"""Every estimate of every policy over one log, and what is to be said about them."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

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
from operators.evaluation.features import Features
from operators.evaluation.learning import replayed
from operators.evaluation.log import Floats, Log
from operators.evaluation.overlap import LEAST_ROWS, Overlap, overlap
from operators.evaluation.reward_model import RewardModel
from operators.evaluation.rows import Row, Rows
from operators.evaluation.shares import Shares
from operators.evaluation.targets import Spec, target_of
from schemas.errors import SetupError

TRAIN_SHARE: Final = 0.5


class PolicyReport(msgspec.Struct, frozen=True):
    """The estimates of one policy; ``answerable`` is False where they are not to be believed."""

    policy: str
    answerable: bool
    overlap: Overlap | None
    estimates: tuple[Estimate, ...]
    warnings: tuple[str, ...]


class Report(msgspec.Struct, frozen=True):
    """What a log says about policies.

    ``trained_rows`` are the earlier rows that policies were trained on before they were frozen; all but
    learning ones are judged on the ``rows`` that follow. ``logged`` is what those rows earned as they were
    logged.
    """

    rows: int
    visitors: int
    trained_rows: int
    clip: float
    logged: Estimate
    policies: tuple[PolicyReport, ...]


def evaluate(
    rows: Sequence[Row],
    specs: Sequence[Spec],
    *,
    train_share: float = TRAIN_SHARE,
    clip: float | None = None,
    likes: Mapping[str, Shares] | None = None,
) -> Report:
    """Return the estimates of each policy over rows in the order of their times.

    If one of the policies is to be trained, the first ``train_share`` of the rows is for that and all are
    judged on the rest. ``likes`` are the shares of each ``like:FILE``. Raises SetupError where a policy
    cannot be asked of the log.
    """
    if not 0.0 < train_share < 1.0:
        raise SetupError(f"--train-share must be above 0 and below 1; got {train_share:g}")
    if clip is not None and not clip > 0.0:
        raise SetupError(f"--clip must be a number above 0; got {clip:g}")
    shares = likes or {}
    split = int(len(rows) * train_share) if any(spec.trained for spec in specs) else 0
    rows = Rows.of(rows)
    before, judged = rows[:split], rows[split:]
    if not judged or (split == 0 and any(spec.trained for spec in specs)):
        raise SetupError(f"the log must have rows to train on and rows to judge; it has {len(rows)} in all")
    arms = tuple(sorted({*rows.arms(), *(arm for each in shares.values() for arm in each.arms)}))
    log = judged.log(arms)
    model = RewardModel(log, Features(judged), len(arms))
    predicted = model.predicted()
    limit = float(np.sqrt(log.size)) if clip is None else clip
    found = []
    for spec in specs:
        if spec.kind == "learning":
            found.append(_learning(spec, rows))
        else:
            target = target_of(spec, judged, arms, before, shares.get(spec.name))
            found.append(_frozen(spec, log, target, model, predicted, limit))
    visitors = int(log.clusters.max()) + 1
    return Report(log.size, visitors, split, limit, mean_reward("logged", log), tuple(found))


def _frozen(  # noqa: PLR0913, PLR0917  a policy, the log, and the models made of it once for all policies
    spec: Spec, log: Log, target: Floats, model: RewardModel, predicted: Floats, clip: float
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


def _learning(spec: Spec, rows: Sequence[Row]) -> PolicyReport:
    found = replayed(spec, rows)
    notes = ["it goes on learning: judged by replay alone, over the whole log"]
    if found.taken < LEAST_ROWS:
        notes.insert(0, f"only {found.taken} rows are ones it would have chosen; too few to say anything")
    if found.capped > 0.0:
        notes.append(f"{found.capped:.1%} of the rows should have counted more than once: a bias")
    estimates = () if found.estimate is None else (found.estimate,)
    return PolicyReport(spec.text, found.taken >= LEAST_ROWS, None, estimates, tuple(notes))
