import type { Memory } from "../shared/memory";
import type { Place } from "../shared/refusal";

const LOCK_WAIT_MS = 400; // a reloaded page's predecessor lets go within a few ms

/**
 * What this tab holds for one event, kept over reloads: its ticket (the place in line), when that was given, and
 * what brings it back past the line after it has had a seat.
 *
 * A ticket is one seat: two tabs with the same one would push each other out for ever. A duplicated tab
 * starts with a copy of its original's session storage, so the ticket is taken only under a lock that the
 * original still holds.
 */
export class TicketKeeper {
  private current: string | null;

  constructor(
    private readonly eventId: string,
    private readonly memory: Memory,
    /** Null on plain http, where there are none. */
    private readonly locks: LockManager | null,
  ) {
    this.current = this.read("ticket");
  }

  get ticket(): string | null {
    return this.current;
  }

  /** Goes with the ticket; null when this tab never had a seat with it. */
  get resume(): string | null {
    return this.current === null ? null : this.read("resume");
  }

  /** When the ticket was given, in ms since 1970; null while there is a way past the line. */
  get arrival(): number | null {
    const kept = this.current === null || this.resume !== null ? null : this.read("arrival");
    return kept === null || Number.isNaN(Number(kept)) ? null : Number(kept);
  }

  /** Remembers a place in line; another ticket than before has no way past it. */
  keepPlace(place: Place): void {
    if (place.ticket !== this.current) this.write("resume", null);
    this.keepTicket(place.ticket);
    this.write("arrival", String(place.arrival));
  }

  /** Remembers what came with a seat; a ticket of null keeps what there is. */
  keepSeat(ticket: string | null, resume: string | null): void {
    if (ticket !== null) this.keepTicket(ticket);
    this.write("arrival", null);
    if (resume !== null) this.write("resume", resume);
  }

  /** Takes the lock on the ticket for as long as the page lives; forgets a ticket another tab is using. */
  async claim(): Promise<void> {
    const claimed = this.current;
    if (claimed === null || this.locks === null) return;
    const aborter = new AbortController();
    const timer = setTimeout(() => aborter.abort(), LOCK_WAIT_MS);
    try {
      await this.locks.request(`stentor.${claimed}`, { signal: aborter.signal }, () => {
        clearTimeout(timer);
        return new Promise<never>(() => undefined);
      });
    } catch {
      if (this.current === claimed) this.forget();
    }
  }

  private keepTicket(ticket: string): void {
    if (ticket === this.current) return;
    this.current = ticket;
    this.write("ticket", ticket);
    void this.claim();
  }

  private forget(): void {
    this.current = null;
    for (const name of ["ticket", "arrival", "resume"]) this.write(name, null);
  }

  private read(name: string): string | null {
    return this.memory.get(`${name}.${this.eventId}`);
  }

  private write(name: string, value: string | null): void {
    this.memory.set(`${name}.${this.eventId}`, value);
  }
}
