"""The commands of ``offerstream``: each module has EXAMPLES, ``arguments`` and ``run``."""
