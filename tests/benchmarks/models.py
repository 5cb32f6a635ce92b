"""The table of models beside River's own, on River's streams: ``python -m tests.benchmarks.models``.

Every model has default settings and predicts each row before it learns from it. The first 2,000 rows are
not measured, the 10,000 after them are: expected calibration error over ten bins of equal width, exact AUC,
log loss. Prints a Markdown table, a line for each stream and model, with the processor time per row.
"""

import sys
from collections.abc import Callable, Iterator
from itertools import chain, islice
from numbers import Number
from time import process_time

import numpy as np
from river import base, compose, datasets, forest, linear_model, preprocessing, tree
from river.datasets import synth

from operators.abandonment import models
from operators.abandonment.rolling_metrics import auc, calibration_error, log_loss

Rows = Iterator[tuple[dict[str, object], bool]]
SKIPPED, MEASURED = 2_000, 10_000


def river_logistic() -> base.Classifier:
    """River's logistic regression on scaled numbers and one-hot words."""
    numbers = compose.SelectType(Number) | preprocessing.StandardScaler()
    words = compose.SelectType(str) | preprocessing.OneHotEncoder()
    return (numbers + words) | linear_model.LogisticRegression()


MODELS: dict[str, Callable[[], base.Classifier]] = {
    **{name: lambda name=name: models.build(name) for name in models.MODELS},
    "River: LogisticRegression": river_logistic,
    "River: HoeffdingAdaptiveTree": lambda: tree.HoeffdingAdaptiveTreeClassifier(seed=1),
    "River: ARFClassifier": lambda: forest.ARFClassifier(seed=1),
}


def drifting() -> Rows:
    """A concept that changes to another in the middle."""
    yield from synth.Agrawal(classification_function=1, seed=5).take(6_000)
    yield from synth.Agrawal(classification_function=4, seed=6).take(6_000)


STREAMS: dict[str, Callable[[], Rows]] = {
    "Agrawal 0": lambda: iter(synth.Agrawal(classification_function=0, seed=11)),
    "Agrawal 2, perturbed": lambda: iter(synth.Agrawal(classification_function=2, seed=12, perturbation=0.2)),
    "Agrawal 6": lambda: iter(synth.Agrawal(classification_function=6, seed=11)),
    "Agrawal 7 (1.7 % true)": lambda: iter(synth.Agrawal(classification_function=7, seed=11)),
    "Agrawal 1, then 4": drifting,
    "SEA, 10 % noise": lambda: iter(synth.SEA(seed=1, noise=0.1)),
    "Hyperplane, drifting": lambda: iter(
        synth.Hyperplane(seed=2, n_drift_features=8, mag_change=0.01, noise_percentage=0.1)
    ),
    "RandomRBF": lambda: iter(synth.RandomRBF(1, 2, n_classes=2, n_features=8, n_centroids=20)),
    "Mixed": lambda: iter(synth.Mixed(seed=1)),
    "Bananas, 3 times": lambda: chain.from_iterable(datasets.Bananas() for _ in range(3)),
    "Phishing, 10 times": lambda: chain.from_iterable(datasets.Phishing() for _ in range(10)),
}


def measured(model: base.Classifier, rows: Rows) -> tuple[float, float, float, float]:
    """Calibration error, AUC, log loss and microseconds a row of one model on one stream."""
    predicted, truth = [], []
    started = process_time()
    for x, y in islice(rows, SKIPPED + MEASURED):
        predicted.append(model.predict_proba_one(x).get(True, 0.0))
        truth.append(bool(y))
        model.learn_one(x, bool(y))
    us = (process_time() - started) / len(predicted) * 1e6
    p, y = np.array(predicted[SKIPPED:]), np.array(truth[SKIPPED:])
    return calibration_error(p, y), auc(p, y), log_loss(p, y), us


def main() -> None:
    """Print the table; arguments choose models."""
    sys.stdout.write("| stream | model | ECE | AUC | log loss | us a row |\n|---|---|---|---|---|---|\n")
    for stream, rows in STREAMS.items():
        for name in sys.argv[1:] or MODELS:
            ece, area, loss, us = measured(MODELS[name](), rows())
            sys.stdout.write(f"| {stream} | {name} | {ece:.4f} | {area:.4f} | {loss:.4f} | {us:.0f} |" + "\n")


if __name__ == "__main__":
    main()
