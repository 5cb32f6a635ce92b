"""Randomised experiments: who is held out, whether the split is sound, and the lift that results."""
