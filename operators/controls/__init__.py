"""What people change while the worker runs: the history of changes, and the shop that follows from it."""
