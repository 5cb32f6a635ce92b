"""Controls from the command line: what is in force, what was changed, and how to change it."""
