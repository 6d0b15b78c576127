/**
 * The server's time, on devices whose own clock may be wrong by hours.
 *
 * Every `now` the server sends is a little old when it arrives (travel, and up to a second in a cache), never
 * too new: so the largest difference seen to our monotonic clock is the best one.
 */
export class ServerClock {
  private offset: number | null = null;

  /** Takes the server's `now` (ms since 1970) that arrived at monotonic time `arrivedAt` (ms). */
  note(serverNow: number, arrivedAt: number): void {
    const offset = serverNow - arrivedAt;
    if (!Number.isFinite(offset)) return;
    if (this.offset === null || offset > this.offset) this.offset = offset;
  }

  /** Server time in ms since 1970 at monotonic time `monotonic`; before the first note, the device's own. */
  now(monotonic: number, deviceNow: number): number {
    return this.offset === null ? deviceNow : this.offset + monotonic;
  }
}
