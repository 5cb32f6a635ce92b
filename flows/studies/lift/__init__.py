"""What the policy was worth beside the holdout, from records on disk."""
