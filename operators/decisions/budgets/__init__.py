"""What an offer may cost all in all: reservations against budgets, and the price by which they are paced."""
