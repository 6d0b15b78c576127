import { describe, expect, test } from "vitest";
import { FactsError, parseFacts } from "../../src/shared/event_facts";

const STATUS = {
  now: "2030-05-01T18:00:00Z",
  epoch: 1,
  phase: "early",
  title: "Evening talk",
  starts_at: "2030-05-01T18:30:00Z",
  host: "none",
  listeners: 12,
  serving: null,
  moves: [],
  full: false,
  poll: 10,
};

describe("parseFacts", () => {
  test("reads the status body", () => {
    expect(parseFacts(STATUS)).toEqual({
      title: "Evening talk",
      phase: "early",
      host: "none",
      startsAt: Date.UTC(2030, 4, 1, 18, 30),
      listeners: 12,
      now: Date.UTC(2030, 4, 1, 18),
      full: false,
      pollMs: 10_000,
      listenUrl: null,
      epoch: 1,
      line: null,
      moves: [],
      waiting: 0,
      joining: 0,
      rate: 0,
    });
  });

  test("an event without a start has none", () => {
    expect(parseFacts({ ...STATUS, starts_at: null }).startsAt).toBeNull();
  });

  test("never polls more than once a second, whatever the server says", () => {
    expect(parseFacts({ ...STATUS, poll: 0 }).pollMs).toBe(1000);
  });

  test.each([null, 3, "text", [], {}, { ...STATUS, phase: "later" }, { ...STATUS, host: "lost" }])(
    "%j is refused",
    (body) => {
      expect(() => parseFacts(body)).toThrow(FactsError);
    },
  );
});
