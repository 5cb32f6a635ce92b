"""The posterior covariance of the weights of every arm, kept inverted while updates come."""

import numpy as np

from operators.bandits.sufficient_statistics import NEW_ARM, POOLED, Floats, Indices


def posterior_covariances(products: Floats, precisions: Floats) -> Floats:
    """Return the posterior covariance of the weights of every row divided by its noise.

    ``products`` are the sums of products of features, (rows, width, width), as is the result; ``precisions``
    are those of the common mean and of an arm, (2, width, width). Columns are scaled before the inversion,
    so features of very different units lose no precision.
    """
    total = products + precisions[1]
    total[POOLED] = products[POOLED] + precisions[0]
    scale = 1.0 / np.sqrt(np.einsum("ijj->ij", total))
    both = scale[:, :, None] * scale[:, None, :]
    found: Floats = np.linalg.inv(total * both) * both
    return found


class PosteriorCovariances:
    """One matrix for each row of the sums, divided by the noise of the row.

    Exact up to rounding between two refits of the prior: an update is a change of rank one (Sherman,
    Morrison, 1950).

    Attributes
    ----------
    matrices
        Shape (rows, width, width).
    """

    __slots__ = ("matrices",)

    def __init__(self, matrices: Floats) -> None:
        self.matrices = matrices

    def add(self, row: int, x: Floats) -> None:
        """Take into account an update with features ``x``, in a row and in the pooled one."""
        matrices = self.matrices
        for each in (POOLED, row):
            spread = matrices[each] @ x
            matrices[each] -= spread[:, None] * (spread / (1.0 + spread @ x))

    def decay(self, factor: float) -> None:
        """Multiply the evidence so far, that of the prior included."""
        self.matrices /= factor

    def add_arm(self) -> None:
        """Add a row of what is known of an arm without updates."""
        self.matrices = np.concatenate([self.matrices, self.matrices[NEW_ARM : NEW_ARM + 1]])

    def remove_arm(self, row: int) -> None:
        """Drop a row."""
        self.matrices = np.delete(self.matrices, row, axis=0)

    def widen(self, more: int) -> None:
        """Add columns of which nothing is known; ``begin`` gives them their prior."""
        self.matrices = np.pad(self.matrices, ((0, 0), (0, more), (0, more)))

    def begin(self, new: Indices, shared: Floats, own: Floats) -> None:
        """Give new columns the precisions of the pooled row and of an arm."""
        self.matrices[POOLED, new, new] = 1.0 / shared
        self.matrices[NEW_ARM:, new, new] = 1.0 / own
