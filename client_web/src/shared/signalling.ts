/**
 * The HTTP half of WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep): one POST with the offer opens a session,
 * one DELETE on its URL ends it.
 *
 * The offer goes out without waiting for candidates and none are trickled: the server is ICE-lite with all of
 * its candidates in the answer, and learns ours from the checks themselves (RFC 8445 7.3.1.3).
 */
import { request } from "./http";
import { RefusedError } from "./refusal";

const SDP = "application/sdp";
const OPEN_TIMEOUT_MS = 4_000; // an answer takes one round trip: past this the server is not there
const TICKET_HEADER = "Stentor-Ticket";
const RESUME_HEADER = "Stentor-Resume";
const SHARD_HEADER = "Stentor-Shard";

export interface OpenRequest {
  /** `/whep/{event}` or `/whip/{event}`. */
  readonly endpoint: string;
  readonly offer: string;
  /** Bearer token: the host key on WHIP. */
  readonly token?: string | null;
  /** The place in line this browser holds, if it has one. */
  readonly ticket?: string | null;
  /** Shows that its holder had a seat a few minutes ago: goes past the line, with its ticket. */
  readonly resume?: string | null;
  readonly signal?: AbortSignal;
}

/** A session as the server opened it. */
export interface Session {
  /** Where to end it: absolute. */
  readonly url: string;
  readonly answer: string;
  /** ETag of the ICE session, for PATCH. */
  readonly etag: string | null;
  /** The place in line to keep and show next time. */
  readonly ticket: string | null;
  /** For coming back within ten minutes, past the line. */
  readonly resume: string | null;
  /** Which shard the seat is on. */
  readonly shard: number | null;
  /** STUN and TURN servers of the Link headers. */
  readonly iceServers: readonly RTCIceServer[];
}

/** Opens a session. Throws RefusedError. */
export async function openSession(open: OpenRequest): Promise<Session> {
  const headers: Record<string, string> = { "Content-Type": SDP, Accept: SDP };
  if (open.token) headers.Authorization = `Bearer ${open.token}`;
  if (open.ticket) headers[TICKET_HEADER] = open.ticket;
  if (open.ticket && open.resume) headers[RESUME_HEADER] = open.resume;
  const init: RequestInit = { method: "POST", headers, body: open.offer, cache: "no-store" };
  if (open.signal) init.signal = open.signal;
  const response = await request(open.endpoint, init, OPEN_TIMEOUT_MS);
  const location = response.headers.get("Location");
  const type = response.headers.get("Content-Type") ?? "";
  if (response.status !== 201 || location === null || !type.startsWith(SDP)) {
    throw new RefusedError("broken", response.status, null, "not an answer to an offer");
  }
  return {
    // A 307 may have led elsewhere: a relative Location is relative to where it came from.
    url: new URL(location, response.url).href,
    answer: await bodyOf(response),
    etag: response.headers.get("ETag"),
    ticket: response.headers.get(TICKET_HEADER),
    resume: response.headers.get(RESUME_HEADER),
    shard: numberIn(response.headers.get(SHARD_HEADER)),
    iceServers: parseIceServers(response.headers.get("Link")),
  };
}

/**
 * Ends a session, also while the page goes away (keepalive). Never throws: a session that cannot be ended
 * ends by itself when its consent runs out (RFC 7675).
 */
export function endSession(url: string, token: string | null = null): void {
  const headers: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {};
  fetch(url, { method: "DELETE", keepalive: true, headers }).catch(() => undefined);
}

function numberIn(text: string | null): number | null {
  return text !== null && /^\d{1,10}$/.test(text) ? Number(text) : null;
}

async function bodyOf(response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (error) {
    throw new RefusedError("unreachable", response.status, null, String(error));
  }
}

/** ICE servers of a Link header (RFC 9725 4.6): `<stun:host>; rel="ice-server"; username="u"; credential="c"`. */
export function parseIceServers(link: string | null): RTCIceServer[] {
  const servers: RTCIceServer[] = [];
  for (const match of (link ?? "").matchAll(/<([^>]*)>((?:\s*;\s*[\w-]+\s*=\s*(?:"[^"]*"|[^\s";,]+))*)/g)) {
    const parameters = new Map<string, string>();
    for (const [, name = "", quoted, bare] of (match[2] ?? "").matchAll(
      /([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s";,]+))/g,
    )) {
      parameters.set(name.toLowerCase(), quoted ?? bare ?? "");
    }
    if (parameters.get("rel") !== "ice-server" || !match[1]) continue;
    const server: RTCIceServer = { urls: match[1] };
    const username = parameters.get("username");
    const credential = parameters.get("credential");
    if (username !== undefined) server.username = username;
    if (credential !== undefined) server.credential = credential;
    servers.push(server);
  }
  return servers;
}
