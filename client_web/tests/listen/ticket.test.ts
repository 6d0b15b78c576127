import { beforeEach, expect, test } from "vitest";
import { TicketKeeper } from "../../src/listen/ticket";
import type { Memory } from "../../src/shared/memory";

let memory: Memory;

beforeEach(() => {
  const kept = new Map<string, string>();
  memory = {
    get: (key) => kept.get(key) ?? null,
    set: (key, value) => void (value === null ? kept.delete(key) : kept.set(key, value)),
  };
});

const PLACE = { ticket: "t1", arrival: 5_000, inLine: true, counts: true };

test("a place in line outlives a reload", () => {
  new TicketKeeper("talk", memory, null).keepPlace(PLACE);
  const again = new TicketKeeper("talk", memory, null);
  expect([again.ticket, again.arrival, again.resume]).toEqual(["t1", 5_000, null]);
});

test("a seat's way back outlives a reload, and is no place in line", () => {
  const keeper = new TicketKeeper("talk", memory, null);
  keeper.keepPlace(PLACE);
  keeper.keepSeat("t1", "r1");
  const again = new TicketKeeper("talk", memory, null);
  expect([again.ticket, again.arrival, again.resume]).toEqual(["t1", null, "r1"]);
});

test("a refusal keeps the way back: there may only be no seat at this moment", () => {
  const keeper = new TicketKeeper("talk", memory, null);
  keeper.keepSeat("t1", "r1");
  keeper.keepPlace(PLACE);
  expect(keeper.resume).toBe("r1");
});

test("another ticket has no way back of the one before", () => {
  const keeper = new TicketKeeper("talk", memory, null);
  keeper.keepSeat("t1", "r1");
  keeper.keepPlace({ ...PLACE, ticket: "t2" });
  expect([keeper.ticket, keeper.resume, keeper.arrival]).toEqual(["t2", null, 5_000]);
});

test("a ticket that another tab is using is forgotten", async () => {
  const held: LockManager = {
    request: () => Promise.reject(new DOMException("held", "AbortError")),
    query: () => Promise.resolve({}),
  };
  new TicketKeeper("talk", memory, null).keepSeat("t1", "r1");
  const copy = new TicketKeeper("talk", memory, held);
  await copy.claim();
  expect([copy.ticket, copy.resume, memory.get("ticket.talk")]).toEqual([null, null, null]);
});

test("events do not share tickets", () => {
  new TicketKeeper("talk", memory, null).keepPlace(PLACE);
  expect(new TicketKeeper("other", memory, null).ticket).toBeNull();
});
