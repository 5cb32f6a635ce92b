"""One source partition's records, validated in offset order and turned into shop events."""
