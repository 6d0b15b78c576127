"""The part of `NativeCore` that is about other nodes: uplinks, children, and what comes from them."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from stentor.core.errors import LocalError
from stentor.core.outputs import Address
from stentor.net.native_address import nanoseconds, pack_address
from stentor.net.trunk_port import ChildState, UplinkState

KEY_BYTES = 16
SALT_BYTES = 12


class TrunkCalls:
    """Calls of a core that was opened with a cluster socket; see `TrunkPort` for what they mean."""

    ffi: Any
    _lib: Any
    _core: Any

    def add_uplink(self, event: bytes, ssrc: int, key: bytes, salt: bytes, *, epoch: int) -> int:
        """A handle. Raises LocalError when there is no room, no trunk, or the SSRC is in use."""
        _check(key, salt)
        handle: int = self._lib.stn_uplink_add(self._core, event, ssrc, key, salt, epoch)
        if not handle:
            raise LocalError("media core: no room for another uplink, or its SSRC is in use")
        return handle

    def remove_uplink(self, uplink: int) -> None:
        """Forget a stream. No effect on a handle that is nobody's."""
        self._lib.stn_uplink_remove(self._core, uplink)

    def uplink_state(self, uplink: int) -> UplinkState | None:
        """What has come by it; None when there is no such one."""
        state = self.ffi.new("struct stn_uplink_state *")
        if self._lib.stn_uplink_state(self._core, uplink, state) != 0:
            return None
        return UplinkState(
            state.heard_at / 1e9 if state.packets else None,
            state.packets,
            state.frames,
            state.recovered,
            state.lost,
            state.duplicates,
            state.failures,
        )

    def add_child(
        self, event: bytes, address: Address, ssrc: int, key: bytes, salt: bytes, *, epoch: int
    ) -> int:
        """A handle. Raises LocalError when there is no room or no trunk."""
        _check(key, salt)
        to = self.ffi.from_buffer("struct stn_address *", pack_address(address))
        handle: int = self._lib.stn_child_add(self._core, event, to, ssrc, key, salt, epoch)
        if not handle:
            raise LocalError("media core: no room for another child")
        return handle

    def remove_child(self, child: int) -> None:
        """Send it nothing more. No effect on a handle that is nobody's."""
        self._lib.stn_child_remove(self._core, child)

    def child_state(self, child: int) -> ChildState | None:
        """What was sent to it; None when there is no such one."""
        state = self.ffi.new("struct stn_child_state *")
        if self._lib.stn_child_state(self._core, child, state) != 0:
            return None
        return ChildState(state.packets, state.octets, state.unsent)

    @property
    def trunk_wake_fd(self) -> int:
        """Readable when the ring `TRUNK` has something; -1 without a cluster socket."""
        fd: int = self._lib.stn_trunk_wake_fd(self._core)
        return fd

    def clear_trunk_wake(self) -> None:
        """Call before taking from the ring `TRUNK`."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self.trunk_wake_fd)

    def inject_trunk(self, data: bytes, address: Address, *, now: float) -> bool:
        """One datagram as if the cluster socket had given it (tests). Only without a thread."""
        sender = self.ffi.from_buffer("struct stn_address *", pack_address(address))
        done: int = self._lib.stn_trunk_inject(self._core, data, len(data), sender, nanoseconds(now))
        return done == 0


def _check(key: bytes, salt: bytes) -> None:
    if (len(key), len(salt)) != (KEY_BYTES, SALT_BYTES):
        raise LocalError(
            f"trunk keys have {KEY_BYTES} and {SALT_BYTES} bytes, not {len(key)} and {len(salt)}"
        )
