"""The visits of one shard: the session state machine, carts, and the features made of them."""
