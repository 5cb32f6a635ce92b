"""Schemas from a Schema Registry, and the values that were written by them."""
