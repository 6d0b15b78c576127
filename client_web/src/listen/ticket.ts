import type { Memory } from "../shared/memory";

const LOCK_WAIT_MS = 400; // a reloaded page's predecessor lets go within a few ms

/**
 * The place in line this tab holds for one event, kept over reloads.
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
  ) {
    this.current = memory.get(`ticket.${eventId}`);
  }

  get ticket(): string | null {
    return this.current;
  }

  /** Remembers the ticket the server gave; null keeps what there is. */
  keep(ticket: string | null): void {
    if (ticket === null || ticket === this.current) return;
    this.current = ticket;
    this.memory.set(`ticket.${this.eventId}`, ticket);
    void this.claim();
  }

  /** Takes the lock on the ticket for as long as the page lives; forgets a ticket another tab is using. */
  async claim(): Promise<void> {
    const claimed = this.current;
    if (claimed === null || !("locks" in navigator)) return; // no locks on plain http
    const aborter = new AbortController();
    const timer = setTimeout(() => aborter.abort(), LOCK_WAIT_MS);
    try {
      await navigator.locks.request(`stentor.${claimed}`, { signal: aborter.signal }, () => {
        clearTimeout(timer);
        return new Promise<never>(() => undefined);
      });
    } catch {
      if (this.current !== claimed) return;
      this.current = null;
      this.memory.set(`ticket.${this.eventId}`, null);
    }
  }
}
