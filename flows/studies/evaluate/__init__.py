"""Off-policy evaluation of policies from a log on disk."""
