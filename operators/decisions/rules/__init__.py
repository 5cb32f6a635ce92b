"""What keeps an offer from being made: one file a rule, each with its reason."""
