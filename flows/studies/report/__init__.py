"""The report of a run: what its files say, gathered in one pass and drawn on one page."""
