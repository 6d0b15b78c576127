import { StallWatch } from "../shared/stall_watch";

/**
 * The server sends a receiver report every second. One missing raises doubt; two missing are a loss, which is
 * thus known within 3 s, unless the server says that it hears us: then only its reports were lost on the way.
 */
const DOUBT_MS = 1_600;
const QUIET_MS = 2_600;
const QUIET_BUT_HEARD_MS = 6_000; // past two of Chromium's connectivity checks as well

export type PathState = "fine" | "doubtful" | "lost";

/** Judges the host's path by what comes back over it. */
export class PathWatch {
  private readonly arrivals = new StallWatch();
  private vouchedFor = false;
  private state: PathState = "fine";

  /** The server says that it hears us, while nothing comes back. */
  vouch(): void {
    this.vouchedFor = this.state === "doubtful";
  }

  /** Takes a reading of the bytes received; `turned` once when the state has changed. */
  note(bytesReceived: number, now: number): { readonly state: PathState; readonly turned: boolean } {
    const quiet = this.arrivals.note(bytesReceived, now);
    if (quiet < DOUBT_MS) this.vouchedFor = false;
    const limit = this.vouchedFor ? QUIET_BUT_HEARD_MS : QUIET_MS;
    const state = quiet < DOUBT_MS ? "fine" : quiet < limit ? "doubtful" : "lost";
    const turned = state !== this.state;
    this.state = state;
    return { state, turned };
  }
}
