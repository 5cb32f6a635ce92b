"""One market: score, rules, choice, ledger, attribution, reward, and the records published."""
