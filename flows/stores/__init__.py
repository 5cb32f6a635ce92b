"""State on disk: RocksDB stores, their in-memory twins, and the recovery store of Bytewax."""
