/**
 * Says for how long a counter that should grow has not grown.
 *
 * A browser goes on calling itself "connected" for 40 s after media stops as long as STUN is answered
 * (measured in Chromium 156), so both pages watch a counter of what arrived instead.
 */
export class StallWatch {
  private count: number | null = null;
  private grewAt = 0;

  /** Takes a reading; returns for how many ms `count` has not grown. */
  note(count: number, now: number): number {
    if (this.count === null || count > this.count) {
      this.grewAt = now;
      this.count = count;
    }
    return now - this.grewAt;
  }
}
