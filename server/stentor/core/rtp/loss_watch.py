"""Who needs redundancy: decided from the receiver reports of one listener."""

from __future__ import annotations

LOSSY = 5  # of 256: above 2 %, where Opus's own concealment becomes audible
CLEAN = 1  # of 256: up to 0.4 %, a lost packet in 5 s
CALM = 3  # clean reports in a row until redundancy ends: 15 s as browsers report


class LossWatch:
    """Begins with the first lossy report, ends after some clean ones."""

    __slots__ = ("_calm", "redundant")

    def __init__(self) -> None:
        self.redundant = False
        """Whether each packet should carry earlier ones."""
        self._calm = 0

    def report(self, fraction_lost: int, *, ours: bool) -> bool:
        """Take one report (RFC 3550 section 6.4.1); returns `redundant`.

        `ours`: we dropped packets ourselves since the report before, so that it says nothing of the path.
        """
        if ours:
            return self.redundant
        if fraction_lost > LOSSY:
            self.redundant, self._calm = True, 0
        elif fraction_lost <= CLEAN:
            self._calm += 1
            if self._calm >= CALM:
                self.redundant = False
        else:
            self._calm = 0
        return self.redundant
