"""Several policies over the same events or shoppers, side by side."""
