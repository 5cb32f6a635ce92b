"""The dataflow without Kafka and files: lists as its ends, callbacks, and a plain loop."""
