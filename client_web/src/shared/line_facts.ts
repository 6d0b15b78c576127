/** What the status body says of the line, checked field by field as it comes in. Times are ms since 1970. */

/** How far the line has been called: both numbers only rise while the epoch stays the same. */
export interface Serving {
  /** Share of the lottery among those who came before the start, 0 to 2^32. */
  readonly share: number;
  /** Whoever came no later than this is called. */
  readonly arrival: number;
}

/** A line as everyone sees it. */
export interface LineFacts {
  readonly serving: Serving;
  /** People who wait and are not called. */
  readonly waiting: number;
  /** People who are called and have no seat yet. */
  readonly joining: number;
  /** People called per second, lately. */
  readonly rate: number;
  /** Joins a second that the house takes: no line moves faster. 0: unknown. */
  readonly pace: number;
  /** `[moment, people]`: how many had come by then, in the order of time; coarse. */
  readonly arrivals: readonly (readonly [number, number])[];
}

/** Listeners of `shard` are asked to take a seat elsewhere. */
export interface Move {
  readonly shard: number;
  /** Which of them: those whose draw is below this. */
  readonly fraction: number;
  readonly seed: string;
  /** By when. */
  readonly deadline: number;
  /** Only those seated in this second (by the draw) or later (all of them); null: whenever they came. */
  readonly since: number | null;
}

/** The line of a status body (`serving` null: there is none), or null. */
export function parseLine(fields: Readonly<Record<string, unknown>>): LineFacts | null {
  const serving = fields.serving;
  if (!isRecord(serving)) return null;
  return {
    serving: { share: atLeast0(serving.share), arrival: atLeast0(serving.arrival) },
    waiting: atLeast0(fields.waiting),
    joining: atLeast0(fields.joining),
    rate: atLeast0(fields.rate),
    pace: atLeast0(fields.pace),
    arrivals: list(fields.arrivals).filter(isPair),
  };
}

/** The moves of a status body; what is not one is left out. */
export function parseMoves(value: unknown): readonly Move[] {
  return list(value).flatMap((entry) => {
    if (!isRecord(entry)) return [];
    const { shard, fraction, seed } = entry;
    const deadline = timeOf(entry.deadline);
    const whole = typeof shard === "number" && typeof fraction === "number" && typeof seed === "string";
    if (!whole || deadline === null) return [];
    return [{ shard, fraction, seed, deadline, since: timeOf(entry.since) }];
  });
}

function timeOf(value: unknown): number | null {
  const time = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? null : time;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPair(value: unknown): value is readonly [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === "number");
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function atLeast0(value: unknown): number {
  return typeof value === "number" && value > 0 ? value : 0;
}
