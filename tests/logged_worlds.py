"""Simulated logs of a policy that learns, with known true values, for testing estimates and intervals."""

from typing import NamedTuple

import numpy as np

from operators.evaluation import Log

KINDS = ("money", "clicks", "profit")
FEATURES = 3
FLOOR = 0.01
BATCH = 50


class Worlds(NamedTuple):
    """Many worlds of a kind at once: the first axis of each array is the world, the second the row."""

    kind: str
    level: np.ndarray
    features: np.ndarray
    arms: np.ndarray
    propensities: np.ndarray
    rewards: np.ndarray
    visitors: np.ndarray
    logging: np.ndarray
    frozen: np.ndarray

    def log(self, world):
        """Return the later half of what was logged; the policies of `targets` were frozen before it."""
        late = slice(self.rewards.shape[1] // 2, None)
        return Log(
            self.rewards[world, late],
            self.arms[world, late],
            self.propensities[world, late],
            self.visitors[world, late],
            self.logging[world, late],
        )

    def contexts(self, world):
        return self.features[world, self.rewards.shape[1] // 2 :, 1:]

    def targets(self, world, visits=20_000):
        """Return by name what a policy does in the rows of `log`, and its true value over new visits."""
        rng = np.random.default_rng([7, world])
        fresh = features(rng, (visits,), (visits,))
        means = mean_rewards(self.kind, self.level[world], fresh, rng.normal(size=visits))
        here = self.features[world, self.rewards.shape[1] // 2 :]
        arms = len(self.level[world])
        ranking = means.mean(axis=0).argsort()
        policies = {
            "uniform": lambda x: np.full((len(x), arms), 1 / arms),
            "best arm": lambda x: np.eye(arms)[np.full(len(x), ranking[-1])],
            "middling arm": lambda x: np.eye(arms)[np.full(len(x), ranking[(arms - 1) // 2])],
            "frozen greedy": lambda x: np.eye(arms)[(x @ self.frozen[world].T).argmax(axis=1)],
            "frozen soft": lambda x: soft(x @ self.frozen[world].T),
        }
        return {
            name: (choose(here), float(np.vdot(choose(fresh), means)) / visits)
            for name, choose in policies.items()
        }


def features(rng, visits, visitors):
    """Return an intercept and three numbers, each half the visitor's own and half the visit's."""
    own, now = rng.normal(size=(*visitors, FEATURES)), rng.normal(size=(*visits, FEATURES))
    return np.concatenate([np.ones((*visits, 1)), 0.7 * own + 0.7 * now], axis=-1)


def soft(values):
    scaled = np.exp((values - values.max()) / (values.std() + 1e-9))
    return scaled / (scaled @ np.ones(scaled.shape[1]))[:, None]


def mean_rewards(kind, level, x, person):
    """Return the expected reward of each arm: linear money, or a share of about 10 % who click or buy."""
    latent = x @ level.swapaxes(-1, -2) + 0.25 * person[..., None]
    if kind == "money":
        return latent
    chance = 1 / (1 + np.exp(2.5 - latent))
    return chance if kind == "clicks" else 30.0 * chance


def adaptive(seed, worlds, rows, arms, kind):
    """Log worlds with Thompson sampling on ridge regressions, refitted every 50 rows, floor 0.01."""
    rng = np.random.default_rng([seed, worlds, rows, arms, KINDS.index(kind)])
    level = rng.normal(size=(worlds, arms, 1 + FEATURES)) * np.array([0.5, *[0.4] * FEATURES])
    visitors = np.sort(rng.integers(rows // 2, size=(worlds, rows)), axis=1)
    visitors = rng.permuted(visitors, axis=1)
    people = rng.normal(size=(worlds, rows // 2))
    preference = rng.normal(size=(worlds, rows // 2, FEATURES))
    of_row = np.take_along_axis(preference, visitors[:, :, None], axis=1)
    x = np.concatenate(
        [np.ones((worlds, rows, 1)), 0.7 * of_row + 0.7 * rng.normal(size=of_row.shape)], axis=2
    )
    means = mean_rewards(kind, level, x, np.take_along_axis(people, visitors, axis=1))
    chosen = np.zeros((worlds, rows), dtype=int)
    rewards, logging = np.zeros((worlds, rows)), np.zeros((worlds, rows, arms))
    products = np.tile(np.eye(1 + FEATURES), (worlds, arms, 1, 1))
    sums = np.zeros((worlds, arms, 1 + FEATURES))
    frozen = np.zeros_like(level)
    for start in range(0, rows, BATCH):
        these = slice(start, start + BATCH)
        inverse = np.linalg.inv(products)
        weights = np.einsum("wkij,wkj->wki", inverse, sums)
        if start <= rows // 2:
            frozen = weights
        noise = rewards[:, :start].std(axis=1) if start else np.ones(worlds)
        found = x[:, these] @ weights.swapaxes(1, 2)
        spread = np.sqrt(np.einsum("wni,wkij,wnj->wnk", x[:, these], inverse, x[:, these]))
        draws = rng.normal(size=(24, *found.shape)) * (0.3 * noise[:, None, None] * spread) + found
        shares = (draws == draws.max(axis=-1, keepdims=True)).mean(axis=0)
        logging[:, these] = (1 - FLOOR) * shares + FLOOR / arms
        drawn = (logging[:, these].cumsum(axis=2) > rng.random((worlds, found.shape[1], 1))).argmax(axis=2)
        chosen[:, these] = drawn
        expected = np.take_along_axis(means[:, these], drawn[:, :, None], axis=2)[:, :, 0]
        rewards[:, these] = earned(rng, kind, expected)
        for arm in range(arms):
            chose = (drawn == arm)[:, :, None] * x[:, these]
            products[:, arm] += chose.swapaxes(1, 2) @ x[:, these]
            sums[:, arm] += np.einsum("wni,wn->wi", chose, rewards[:, these])
    propensities = np.take_along_axis(logging, chosen[:, :, None], axis=2)[:, :, 0]
    return Worlds(kind, level, x, chosen, propensities, rewards, visitors, logging, frozen)


def earned(rng, kind, expected):
    if kind == "money":
        return expected + rng.normal(size=expected.shape)
    if kind == "clicks":
        return (rng.random(expected.shape) < expected).astype(float)
    bought = rng.random(expected.shape) < expected / 30.0
    return bought * 30.0 * rng.lognormal(-0.125, 0.5, size=expected.shape)
