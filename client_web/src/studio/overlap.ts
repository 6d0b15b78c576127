/** How long two sessions of a host send at the same time while the host changes to another stage. */

const OVERLAP_MS = 1_500; // of the new one's packets: the stage it goes to has a program and leads by then
const GIVE_UP_MS = 8_000; // from the answer on: ICE and DTLS through 10 % loss take under 1 s (p95)

export type OverlapState = "waiting" | "done" | "late";

/** Judges the new session by what it has sent. Times in ms. */
export class Overlap {
  private sendingSince: number | null = null;
  private sent: number | null = null;

  constructor(private readonly answeredAt: number) {}

  /** Takes a reading: whether it is connected, and how many packets have gone out. */
  note(connected: boolean, packetsSent: number, now: number): OverlapState {
    const grew = this.sent !== null && packetsSent > this.sent;
    this.sent = packetsSent;
    if (connected && packetsSent > 0) this.sendingSince ??= now;
    if (this.sendingSince !== null && grew && now - this.sendingSince >= OVERLAP_MS) return "done";
    return now - this.answeredAt >= GIVE_UP_MS ? "late" : "waiting";
  }
}
