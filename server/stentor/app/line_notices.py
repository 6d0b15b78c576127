"""The leader's notices as datagrams, and back."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

from stentor.core.admission.line import Release, Serving
from stentor.core.mesh.line_messages import (
    MAX_RELEASES,
    LineNotice,
    ReleaseRow,
    ServingRow,
    curve_pairs,
    pages,
)
from stentor.gateway.line_notes import ServingNotice

MAX_NOTICES = 256  # datagrams a second to each gateway; lines that do not move take turns beyond it
LINES = 10_000  # whose last releases are kept, as many as a gateway has


class NoticeWriter:
    """Call `notices` once a second while leading."""

    def __init__(self) -> None:
        self._turn = 0
        self._releases: OrderedDict[tuple[bytes, int], deque[ReleaseRow]] = OrderedDict()

    def notices(self, lines: Iterable[ServingNotice], *, leader_epoch: int, wall_ms: int) -> list[LineNotice]:
        """At least one: a leader without a line has to be heard, too."""
        moving, standing = list[ServingNotice](), list[ServingNotice]()
        for line in lines:
            (standing if line.release is None else moving).append(line)
        self._turn = (self._turn + 1) % max(1, len(standing))
        ordered = (*moving, *standing[self._turn :], *standing[: self._turn])
        found = [
            LineNotice(leader_epoch, wall_ms, page)
            for page in islice(pages(self._row(line) for line in ordered), MAX_NOTICES)
        ]
        return found or [LineNotice(leader_epoch, wall_ms)]

    def _row(self, line: ServingNotice) -> ServingRow:
        curve_from, curve = curve_pairs(line.curve)
        return ServingRow(
            event=line.event,
            epoch=line.epoch,
            share=line.serving.share,
            arrival_ms=line.serving.arrival_ms,
            waiting=max(0, line.waiting),
            present=max(0, line.present),
            releases=self._last_releases(line),
            curve_from=curve_from,
            curve=curve,
        )

    def _last_releases(self, line: ServingNotice) -> tuple[ReleaseRow, ...]:
        key = (line.event, line.epoch)
        if line.release is not None:
            release = line.release
            last = self._releases.setdefault(key, deque(maxlen=MAX_RELEASES))
            serving = release.serving
            last.append(ReleaseRow(release.number, release.people, serving.share, serving.arrival_ms))
            self._releases.move_to_end(key)
            while len(self._releases) > LINES:
                self._releases.popitem(last=False)
        return tuple(self._releases.get(key, ()))


def read_notice(message: LineNotice, *, now: float) -> Iterator[ServingNotice]:
    """One for each release that a line's row tells of, oldest first, and whatever it says last.

    `now` (monotonic seconds) stands for the time of the releases: the leader's own clock means nothing here.
    """
    for row in message.lines:
        releases = [_release(release, now) for release in row.releases]
        last = ServingNotice(
            event=row.event,
            epoch=row.epoch,
            serving=Serving(row.share, row.arrival_ms),
            release=releases[-1] if releases else None,
            waiting=row.waiting,
            present=row.present,
            curve=row.points(),
        )
        for release in releases[:-1]:
            yield replace(last, serving=release.serving, release=release)
        yield last


def _release(row: ReleaseRow, now: float) -> Release:
    return Release(row.number, now, row.people, Serving(row.share, row.arrival_ms))
