"""Which markets' self-diagnosis says that something is wrong."""

from collections.abc import Mapping

from operators.decisions.verdicts import verdicts


def crowded_markets(figures: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    """Return the markets whose policy is told more words than it tells apart."""
    found = {market: int(known.get("crowded_features", 0)) for market, known in figures.items()}
    return {
        market: f"market {market}: {count} of the features `device`, `source` and `segment` have more "
        "different words than the policy tells apart: is an address or an id sent as one?"
        for market, count in found.items()
        if count
    }


def bad_markets(figures: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    """Return by market what is wrong, from the latest figures of each; what is only to watch is no reason."""
    bad = {
        market: [each.sentence for each in verdicts(found) if each.level == "bad"]
        for market, found in figures.items()
    }
    return {market: f"market {market}: {' '.join(said)}" for market, said in bad.items() if said}
