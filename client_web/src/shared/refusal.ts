/** Why the server, or the way to it, said no: one word per thing a page does about it. */
export type Refusal =
  | "early" // 409: not live yet
  | "busy" // 503, 429, 425: later, and it says when
  | "ended" // 410
  | "missing" // 404
  | "forbidden" // 401, 403: the key is wrong
  | "rejected" // other 4xx: this browser's request itself is not acceptable
  | "broken" // other 5xx, or an answer that makes no sense
  | "unreachable"; // no answer at all

/** A place in line, as the server gives it out. */
export interface Place {
  /** Shows whose it is; to be sent with every try. */
  readonly ticket: string;
  /** The place itself: when its holder came, in ms since 1970. */
  readonly arrival: number;
  /** Whether its holder has to wait to be called; otherwise there is only no seat at this moment. */
  readonly inLine: boolean;
  /** Whether it counts already. One that came with a 503 counts once it has been shown. */
  readonly counts: boolean;
}

/** A request that did not do what it was for. */
export class RefusedError extends Error {
  constructor(
    readonly refusal: Refusal,
    readonly status: number | null,
    /** How long the server asked us to wait, in ms. */
    readonly retryAfterMs: number | null,
    detail: string,
    /** The place in line that came with the refusal. */
    readonly place: Place | null = null,
  ) {
    super(detail);
  }
}

const BY_STATUS: Readonly<Record<number, Refusal>> = {
  401: "forbidden",
  403: "forbidden",
  404: "missing",
  409: "early",
  410: "ended",
  425: "busy",
  429: "busy",
  503: "busy",
};

export function refusalOf(status: number): Refusal {
  return BY_STATUS[status] ?? (status >= 400 && status < 500 ? "rejected" : "broken");
}

const NO_SEAT_NOW = "urn:stentor:problem:no-room";
const TOO_EARLY = "urn:stentor:problem:too-early";
const LONGEST_WAIT_MS = 300_000; // whatever an intermediary writes, nobody waits more than 5 min for the next try

/** Retry-After in ms (RFC 9110 10.2.3: seconds or a date, which is taken against the answer's own Date). */
export function retryAfterMs(headers: Headers, deviceNow: number): number | null {
  const value = headers.get("Retry-After")?.trim();
  if (!value) return null;
  if (/^\d+$/.test(value)) return Math.min(LONGEST_WAIT_MS, Number(value) * 1000);
  // Date.parse makes a year of almost anything ("-3" is 2001): an HTTP date begins with a day's name.
  const at = /^[A-Za-z]{3,9},? /.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(at)) return null;
  const sent = Date.parse(headers.get("Date") ?? "");
  return Math.min(LONGEST_WAIT_MS, Math.max(0, at - (Number.isNaN(sent) ? deviceNow : sent)));
}

/** The RefusedError for an answer that is not 2xx, with the detail of its problem+json (RFC 9457) if it has one. */
export async function refusedBy(response: Response): Promise<RefusedError> {
  let detail = response.statusText;
  let place: Place | null = null;
  if (response.headers.get("Content-Type")?.includes("json")) {
    const body: unknown = await response.json().catch(() => null);
    if (typeof body === "object" && body !== null && "detail" in body && typeof body.detail === "string") {
      detail = body.detail;
    }
    place = placeIn(body);
  }
  const wait = retryAfterMs(response.headers, Date.now());
  return new RefusedError(refusalOf(response.status), response.status, wait, detail, place);
}

/** The place that a body names, if it does. */
export function placeIn(body: unknown): Place | null {
  if (typeof body !== "object" || body === null || !("ticket" in body) || !("arrival" in body)) return null;
  const { ticket, arrival } = body;
  if (typeof ticket !== "string" || typeof arrival !== "number") return null;
  const type = "type" in body ? body.type : null;
  return { ticket, arrival, inLine: type !== NO_SEAT_NOW, counts: type === null || type === TOO_EARLY };
}
