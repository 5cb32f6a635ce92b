"""Simulated shoppers in the world: on Kafka, in a file, in a process of their own."""
