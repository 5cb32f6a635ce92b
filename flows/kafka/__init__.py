"""All that knows Kafka: the source and the sink of the page, and the few questions asked at start."""
