"""The reference numbers of the off-policy estimators, computed by the Open Bandit Pipeline.

Writes tests/operators/evaluation/obp.json: small seeded logs and the estimates of obp 0.5.7. Run it in an
environment of its own, since obp pins versions that the project does not use (Python 3.11 and 3.12 work):

    python -m venv obp-venv
    obp-venv/bin/pip install --no-deps --ignore-requires-python obp==0.5.7
    obp-venv/bin/pip install numpy scipy pandas scikit-learn torch tqdm pyyaml matplotlib seaborn pyieoe
    obp-venv/bin/python tests/benchmarks/evaluation_obp.py
"""

import json
from importlib.metadata import version
from pathlib import Path

import numpy as np
from obp.ope import DirectMethod, DoublyRobust, InverseProbabilityWeighting, ReplayMethod
from obp.ope import SelfNormalizedInverseProbabilityWeighting as SelfNormalized

GOLDEN = Path(__file__).parents[1] / "operators" / "evaluation" / "obp.json"
CLIP = 3.0


def log(seed, rows, arms, *, uniform, deterministic):
    """Return a log with rewards of both signs and wrong predictions; the target ignores rewards."""
    rng = np.random.default_rng(seed)
    logging = np.full((rows, arms), 1 / arms)
    if not uniform:
        logging = logging / 10 + rng.dirichlet(np.ones(arms), size=rows) * 0.9
    chosen = (logging.cumsum(axis=1) > rng.random((rows, 1))).argmax(axis=1)
    target = rng.dirichlet(np.ones(arms) / 2, size=rows)
    if deterministic:
        target = np.eye(arms)[target.argmax(axis=1)]
    rewards = rng.normal(loc=chosen / arms, size=rows) * (rng.random(rows) < 0.5)
    predicted = rng.normal(scale=0.3, size=(rows, arms)) + np.arange(arms) / arms / 2
    propensities = logging[np.arange(rows), chosen]
    return {
        "rewards": rewards.round(6),
        "arms": chosen,
        "propensities": propensities,
        "target": target,
        "predicted": predicted.round(6),
    }


def reference(given):
    """Return obp's estimates for a log, under the names of this project."""
    common = {
        "reward": given["rewards"],
        "action": given["arms"],
        "pscore": given["propensities"],
        "action_dist": given["target"][:, :, None],
        "estimated_rewards_by_reg_model": given["predicted"][:, :, None],
    }
    estimators = {
        "replay": ReplayMethod(),
        "ips": InverseProbabilityWeighting(),
        "clipped_ips": InverseProbabilityWeighting(lambda_=CLIP),
        "snips": SelfNormalized(),
        "direct": DirectMethod(),
        "doubly_robust": DoublyRobust(),
    }
    return {name: float(each.estimate_policy_value(**common)) for name, each in estimators.items()}


def main():
    cases = []
    for seed, uniform, deterministic in ((1, True, True), (2, False, True), (3, False, False)):
        given = log(seed, 40, 4, uniform=uniform, deterministic=deterministic)
        found = reference(given)
        if not deterministic:
            del found["replay"]  # obp's replay takes deterministic targets only
        cases.append({name: array.tolist() for name, array in given.items()} | {"obp": found})
    lines = ",\n".join(json.dumps(case) for case in cases)
    GOLDEN.write_text(f'{{"obp": "{version("obp")}", "clip": {CLIP}, "cases": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
