import { asRecord, type EventFacts, parseFacts } from "./event_facts";
import { requestJson } from "./http";
import { type Place, placeIn, RefusedError } from "./refusal";

const TIMEOUT_MS = 4_000; // one answer; a page that waits longer had better ask again

/** What `POST /api/events` answers: the only time the host link is shown. */
export interface CreatedEvent {
  readonly id: string;
  readonly hostUrl: string;
  readonly listenUrl: string;
}

/** The small body that is the same for everyone and that caches answer. Throws RefusedError. */
export async function fetchStatus(eventId: string): Promise<EventFacts> {
  return facts(await requestJson(`/api/events/${eventId}/status`, {}, TIMEOUT_MS));
}

/** The event's record, never from a cache: what the host's page decides by. Throws RefusedError. */
export async function fetchEvent(eventId: string, timeoutMs = TIMEOUT_MS): Promise<EventFacts> {
  return facts(await requestJson(`/api/events/${eventId}`, { cache: "no-store" }, timeoutMs));
}

/** A place in line, cheaper than asking for a seat that is not there. Throws RefusedError. */
export async function takeTicket(eventId: string): Promise<Place> {
  const body = await requestJson(`/api/events/${eventId}/ticket`, { method: "POST" }, TIMEOUT_MS);
  const place = placeIn(body);
  if (place === null) throw new RefusedError("broken", null, null, "the answer lacks a field");
  return place;
}

/** Ends the event for everyone. Throws RefusedError. */
export async function endEvent(eventId: string, hostKey: string): Promise<void> {
  const headers = { Authorization: `Bearer ${hostKey}` };
  await requestJson(`/api/events/${eventId}/end`, { method: "POST", headers }, TIMEOUT_MS);
}

/** Makes an event; `startsAt` in ms since 1970. Throws RefusedError. */
export async function createEvent(title: string, startsAt: number | null): Promise<CreatedEvent> {
  const wish = startsAt === null ? { title } : { title, starts_at: new Date(startsAt).toISOString() };
  const init = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(wish),
  };
  const fields = asRecord(await requestJson("/api/events", init, TIMEOUT_MS));
  return {
    id: text(fields.id),
    hostUrl: text(fields.host_url),
    listenUrl: text(fields.listen_url),
  };
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw new RefusedError("broken", null, null, "the answer lacks a field");
}

function facts(body: unknown): EventFacts {
  try {
    return parseFacts(body);
  } catch (error) {
    throw new RefusedError("broken", null, null, String(error));
  }
}
