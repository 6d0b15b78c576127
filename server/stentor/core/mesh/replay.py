"""Which datagrams of each node have been acted on, so that a recorded one does nothing."""

from __future__ import annotations

from collections import OrderedDict

from stentor.core.webrtc.replay_window import ReplayWindow

CAPACITY = 32_768  # nodes: three times the largest cluster of the design; about 8 MB


class ReplayTable:
    """A window of counters (as SRTP's, RFC 3711 section 3.3.2) per sender; the one silent longest makes room.

    Only proved senders reach it, so no stranger can push a node out. Node ids are new at every start: a node
    that starts again begins at 1 under another name.
    """

    def __init__(self, *, capacity: int = CAPACITY) -> None:
        """`capacity` in senders."""
        self._capacity = capacity
        self._windows: OrderedDict[bytes, ReplayWindow] = OrderedDict()

    def __len__(self) -> int:
        """How many senders are remembered."""
        return len(self._windows)

    def accept(self, sender: bytes, counter: int) -> bool:
        """Whether this datagram is new; True once for each counter. Call it after the MAC is proved."""
        window = self._windows.get(sender)
        if window is None:
            window = self._windows[sender] = ReplayWindow()
            if len(self._windows) > self._capacity:
                self._windows.popitem(last=False)
        self._windows.move_to_end(sender)
        if not window.is_fresh(counter):
            return False
        window.mark(counter)
        return True
