"""What is remembered beside the snapshots: by name, the latest alone."""

from typing import Protocol


class DurableStore(Protocol):
    """Where values are kept by name; it survives the death of the process and is not rolled back."""

    def recall(self, name: str) -> bytes | None:
        """Return what was last written under a name, None where there is nothing."""

    def remember(self, name: str, at_s: float, what: bytes) -> None:
        """Write what is known at a time under a name, in place of what was written before."""
