"""Whose fault it is: the remote's (it ends that request or session) or ours."""

from __future__ import annotations


class StentorError(Exception):
    """Anything Stentor raises on purpose."""


class RemoteError(StentorError):
    """The other side sent something we will not act on.

    `status` is the HTTP status a gateway answers with when the error came from a request; a datagram
    that raises one is dropped and counted.
    """

    status = 400

    def __init__(self, detail: str, *, status: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if status is not None:
            self.status = status


class LocalError(StentorError):
    """Our bug or our configuration: the operator has to act. The text names what is wrong."""
