"""Epsilon-greedy: mostly the arm that looks best, sometimes any."""

from operators.bandits.arms import Belief
from operators.bandits.chance import leaders
from operators.bandits.linear import LinearPolicy


class EpsilonGreedy(LinearPolicy):
    """Chooses the arm with the greatest mean reward; its epsilon is the floor, 0.1 unless set."""

    name = "epsilon_greedy"

    def __init__(  # noqa: PLR0913 - settings, each by its name
        self,
        *,
        seed: int = 0,
        floor: float = 0.1,
        half_life: float | None = 4000.0,
        learn_prior: bool = True,
        room: int = 256,
        most: int = 256,
    ) -> None:
        super().__init__(
            seed=seed, floor=floor, half_life=half_life, learn_prior=learn_prior, room=room, most=most
        )

    def _prefer(self, beliefs: list[Belief]) -> list[float]:
        return leaders([mean for mean, _, _ in beliefs])
