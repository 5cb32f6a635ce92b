"""Files as source and sink of the dataflow."""
