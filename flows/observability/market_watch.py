"""Which markets' self-diagnosis says that something is wrong."""

from collections.abc import Mapping

from operators.decisions.verdicts import verdicts


def bad_markets(figures: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    """Return by market what is wrong, from the latest figures of each; what is only to watch is no reason."""
    bad = {
        market: [each.sentence for each in verdicts(found) if each.level == "bad"]
        for market, found in figures.items()
    }
    return {market: f"market {market}: {' '.join(said)}" for market, said in bad.items() if said}
