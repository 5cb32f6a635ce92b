"""What has happened in a simulation so far."""

from dataclasses import dataclass, field

from operators.simulation.true_profit import TrueProfitByArm


@dataclass
class Counters:
    """Counts of events and offers, and true figures of the decisions, apart for treated and holdout.

    ``at_s`` is the simulated time; ``behind_s`` is how much of it should have passed and has not.
    """

    at_s: float
    events: int = 0
    feedback: int = 0
    offers: int = 0
    ignored: int = 0
    revoked: int = 0
    behind_s: float = 0.0
    treated: TrueProfitByArm = field(default_factory=TrueProfitByArm)
    holdout: TrueProfitByArm = field(default_factory=TrueProfitByArm)
