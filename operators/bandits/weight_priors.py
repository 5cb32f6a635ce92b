"""What has been learned of the weights of each feature over all arms."""

from typing import NamedTuple

import numpy as np

from operators.bandits.feature_columns import FeatureColumns
from operators.bandits.hierarchical_prior import HierarchicalPrior
from operators.bandits.sufficient_statistics import Floats


class WeightPrior(NamedTuple):
    """The distribution of the weights of one feature over arms, in reward per unit of the feature."""

    mean: float
    variance: float


def weight_priors(
    columns: FeatureColumns, prior: HierarchicalPrior, variances: Floats, noise: float
) -> dict[str, WeightPrior]:
    """Return the prior of each feature, averaged over its columns.

    ``variances`` are those of the columns' features, (width,); ``noise`` is the variance of rewards around
    their mean.
    """
    owners = np.array(columns.owners)
    precisions = prior.own.precisions(np.arange(len(columns.names) + 1))
    found = {}
    for name, number in columns.names.items():
        mine = np.flatnonzero(owners == number)
        variance = noise / float(precisions[number]) * float((1.0 / variances[mine]).mean())
        found[name] = WeightPrior(float(prior.mean[mine].mean()), variance)
    return found
