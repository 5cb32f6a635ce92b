"""Why the worker, though it moves, does not do all that it should."""


class Degradation:
    """The reasons, each reported and withdrawn under a name by the part of the worker that it concerns.

    Bounded by the names, which stand in the code.
    """

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}

    def report(self, name: str, reason: str | None) -> None:
        """Take the reason of this name as it is now; None where there is none any more."""
        if reason is None:
            self._reasons.pop(name, None)
        else:
            self._reasons[name] = reason

    def reasons(self) -> list[str]:
        """Return the reasons for people, in the order of their names."""
        return [reason for _, reason in sorted(self._reasons.copy().items())]
