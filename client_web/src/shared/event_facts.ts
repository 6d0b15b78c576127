/** What the server tells about an event, checked field by field as it comes in. */
import { type LineFacts, type Move, parseLine, parseMoves } from "./line_facts";

export type EventPhase = "early" | "live" | "ended";
export type HostPresence = "none" | "present" | "away";

/** The part of the status body and of the event record that pages use. */
export interface EventFacts {
  readonly title: string;
  readonly phase: EventPhase;
  readonly host: HostPresence;
  /** Start in ms since 1970, or null when none was announced. */
  readonly startsAt: number | null;
  readonly listeners: number;
  /** The server's time in ms since 1970 when it wrote this. */
  readonly now: number;
  /** Every place is taken. */
  readonly full: boolean;
  /** How often the server wants to be asked, in ms. */
  readonly pollMs: number;
  /** Which line this is: places of another one are worth nothing. */
  readonly epoch: number;
  /** The line, or null while there is none. */
  readonly line: LineFacts | null;
  /** Who is asked to move to another shard. */
  readonly moves: readonly Move[];
  /** People in line, and people who are called and have no seat yet. */
  readonly waiting: number;
  readonly joining: number;
  /** People called per second, lately. */
  readonly rate: number;
  /** Where listeners go; only in the event record. */
  readonly listenUrl: string | null;
}

/** The body does not say what the contract promises. */
export class FactsError extends Error {}

const PHASES: readonly string[] = ["early", "live", "ended"] satisfies EventPhase[];
const HOSTS: readonly string[] = ["none", "present", "away"] satisfies HostPresence[];
const DEFAULT_POLL_MS = 10_000; // the status body's own default
const MIN_POLL_MS = 1_000; // the body is cached for a second: asking more often brings nothing

/** Reads `GET /api/events/{id}` or its `/status`. Throws FactsError. */
export function parseFacts(body: unknown): EventFacts {
  const fields = asRecord(body);
  const phase = fields.phase;
  const host = fields.host ?? "none";
  if (typeof phase !== "string" || !PHASES.includes(phase)) throw new FactsError("phase");
  if (typeof host !== "string" || !HOSTS.includes(host)) throw new FactsError("host");
  const poll = fields.poll;
  return {
    title: typeof fields.title === "string" ? fields.title : "",
    phase: phase as EventPhase,
    host: host as HostPresence,
    startsAt: parseTime(fields.starts_at),
    listeners: numberOf(fields.listeners),
    now: parseTime(fields.now) ?? Number.NEGATIVE_INFINITY,
    full: fields.full === true,
    pollMs: typeof poll === "number" ? Math.max(MIN_POLL_MS, poll * 1000) : DEFAULT_POLL_MS,
    epoch: typeof fields.epoch === "number" ? fields.epoch : 0,
    line: parseLine(fields),
    moves: parseMoves(fields.moves),
    waiting: numberOf(fields.waiting),
    joining: numberOf(fields.joining),
    rate: numberOf(fields.rate),
    listenUrl: typeof fields.listen_url === "string" ? fields.listen_url : null,
  };
}

/** The object `body` is, or FactsError. */
export function asRecord(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw new FactsError("not an object");
  return body as Record<string, unknown>;
}

function numberOf(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

function parseTime(value: unknown): number | null {
  if (typeof value !== "string") return null;
  const time = Date.parse(value);
  return Number.isNaN(time) ? null : time;
}
