"""The rows of a station in a dictionary that survives it, as a database would."""

from bisect import bisect_left

from operators.state.rows import changes_in


class DictRows:
    """What ``RowStore`` says, in memory."""

    def __init__(self, place="here", others=None):
        self.place = place
        self.rows = {}
        self.written = []
        self._number = 0
        self._others = {} if others is None else others
        self._others[place] = self

    def get(self, key):
        return self.rows.get(key)

    def scan(self, start, end):
        keys = sorted(self.rows)
        for key in keys[bisect_left(keys, start) : bisect_left(keys, end)]:
            yield key, self.rows[key]

    def number(self):
        return self._number

    def write(self, number, changes):
        self._number = number
        self.written.append(len(changes))
        for key, value in changes.items():
            if value is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = value

    def take_over(self, place):
        other = self._others[place]
        self.rows, self._number = dict(other.rows), other.number()

    def erased(self):
        """Nothing is on a disk."""

    def clear(self):
        self.rows, self._number = {}, 0


def everything_in(rows):
    """All rows of a station, wherever they stand."""
    changes = changes_in(rows.snapshot())
    if rows.store is None:
        return {key: value for key, value in changes.items() if value is not None}
    rows.snapshot()
    return dict(rows.store.scan(b"\0", b"\xff"))
