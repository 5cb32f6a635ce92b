"""Copies of a state directory: made while its worker runs, checked, and put back."""
