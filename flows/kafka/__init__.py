"""The only room that knows Kafka: the dataflow's source and sinks, and the queries made at start."""
