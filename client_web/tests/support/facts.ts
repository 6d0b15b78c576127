import type { EventFacts } from "../../src/shared/event_facts";

/** Facts of a live event with the host at the microphone, unless said otherwise. */
export function facts(change: Partial<EventFacts> = {}): EventFacts {
  return {
    title: "Evening talk",
    phase: "live",
    host: "present",
    startsAt: null,
    listeners: 3,
    now: 1_000_000,
    full: false,
    pollMs: 10_000,
    listenUrl: null,
    epoch: 1,
    line: null,
    moves: [],
    waiting: 0,
    joining: 0,
    rate: 0,
    ...change,
  };
}
