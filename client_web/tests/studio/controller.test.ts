import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { EventFacts } from "../../src/shared/event_facts";
import type { Memory } from "../../src/shared/memory";
import { RefusedError } from "../../src/shared/refusal";
import { StudioController } from "../../src/studio/controller";
import type { Desk } from "../../src/studio/microphone_desk";
import type { PublisherNotice } from "../../src/studio/publisher";
import { ALL_PROCESSING } from "../../src/studio/state";
import { facts } from "../support/facts";

const UNREACHABLE = new RefusedError("unreachable", null, null, "");

let answer: EventFacts | RefusedError;
let status: EventFacts | RefusedError;
let ending: RefusedError | null;
let asked: string[];
let notify: (notice: PublisherNotice) => void;
let remembered: Map<string, string>;

function makeController(hasKey = true): StudioController {
  const perTab: Memory = {
    get: (key) => remembered.get(key) ?? null,
    set: (key, value) => void (value === null ? remembered.delete(key) : remembered.set(key, value)),
  };
  return new StudioController({
    eventId: "talk2345",
    hasKey,
    processing: ALL_PROCESSING,
    fetchStatus: () => (status instanceof RefusedError ? Promise.reject(status) : Promise.resolve(status)),
    fetchEvent: () => (answer instanceof RefusedError ? Promise.reject(answer) : Promise.resolve(answer)),
    endEvent: () => (ending === null ? Promise.resolve() : Promise.reject(ending)),
    makePublisher: (send) => {
      notify = send;
      return {
        join: () => void asked.push("join"),
        move: () => void asked.push("move"),
        leave: () => void asked.push("leave"),
        replaceTrack: () => Promise.resolve(),
        connectedMs: null,
        seat: { shard: 7, token: "token", seatedAt: 0 },
        stats: () => Promise.resolve(null),
      };
    },
    makeDesk: (store): Desk => ({
      stream: {} as MediaStream,
      onTrack: () => undefined,
      onMeter: () => undefined,
      start: (wasOnAir) => {
        if (wasOnAir) store.dispatch({ type: "microphone", state: "ready" });
        return Promise.resolve();
      },
      open: () => Promise.resolve(store.dispatch({ type: "microphone", state: "ready" })),
      chooseDevice: () => Promise.resolve(),
      setProcessing: () => Promise.resolve(),
      setMuted: (muted) => void asked.push(`muted ${muted}`),
      close: () => void asked.push("close"),
    }),
    perTab,
    random: () => 0.5,
  });
}

let controller: StudioController;

beforeEach(() => {
  vi.useFakeTimers();
  answer = facts({ phase: "early", host: "none" });
  status = facts();
  ending = null;
  asked = [];
  remembered = new Map();
  controller = makeController();
});
afterEach(() => vi.useRealTimers());

const phase = (): string => controller.store.model.phase;
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

async function goOnAir(): Promise<void> {
  await controller.start();
  await pass(0);
  await controller.desk.open();
  controller.goLive();
  notify({ type: "connected", at: 1 });
  answer = facts({ host: "away" });
  asked.length = 0;
}

test("goes live only when told to, and remembers it", async () => {
  await controller.start();
  await pass(0);
  await controller.desk.open();
  expect(asked).toEqual([]);
  controller.goLive();
  expect(asked).toEqual(["join"]);
  notify({ type: "connected", at: 1 });
  expect(remembered.get("on-air.talk2345")).toBe("yes");
});

test("after a reload it is back on air without a click", async () => {
  remembered.set("on-air.talk2345", "yes");
  await controller.start();
  await pass(0);
  expect(asked).toEqual(["join"]);
});

test("without a key it says so and asks nobody", async () => {
  controller = makeController(false);
  await controller.start();
  expect(phase()).toBe("forbidden");
});

describe("a path gone quiet", () => {
  beforeEach(goOnAir);

  test("is replaced within 300 ms", async () => {
    notify({ type: "lost", how: "stalled" });
    expect(phase()).toBe("recovering");
    await pass(300);
    expect(asked).toEqual(["join"]);
  });

  test("is not taken for somebody else while our own last packets still count", async () => {
    answer = facts({ host: "present" });
    notify({ type: "lost", how: "stalled" });
    await pass(1_000);
    expect(phase()).toBe("recovering");
    answer = facts({ host: "away" });
    await pass(400);
    expect(asked).toEqual(["join"]);
  });

  test("with the server away it looks again at least every 2 s", async () => {
    answer = UNREACHABLE;
    notify({ type: "lost", how: "stalled" });
    for (let round = 0; round < 10; round++) {
      const { failures } = controller.store.model;
      await pass(2_000);
      expect(controller.store.model.failures).toBeGreaterThan(failures);
    }
    expect(asked).toEqual([]);
    answer = facts({ host: "away" });
    await pass(2_000);
    expect(asked).toEqual(["join"]);
  });

  test("finds out that the event has ended meanwhile", async () => {
    answer = facts({ phase: "ended" });
    notify({ type: "lost", how: "stalled" });
    await pass(300);
    expect(phase()).toBe("ended");
    expect(asked).toEqual(["leave", "close"]);
  });
});

describe("another publisher", () => {
  beforeEach(async () => {
    await goOnAir();
    answer = facts({ host: "present" });
    notify({ type: "lost", how: "closed" });
    await pass(1_500);
  });

  test("is not fought", async () => {
    expect(phase()).toBe("taken");
    await pass(60_000);
    expect(asked).toEqual(["leave"]);
    expect(remembered.size).toBe(0);
  });

  test("gives way when the host takes the microphone back", () => {
    controller.goLive();
    expect(phase()).toBe("connecting");
    expect(asked).toEqual(["leave", "join"]);
  });
});

describe("a stage that is to be left", () => {
  const LEAVE_7 = { shard: 7, fraction: 1, seed: "s", deadline: 1_025_000, since: null };

  beforeEach(goOnAir);

  test("is left within some seconds, once, with one calm line for the host", async () => {
    await pass(30_000);
    expect(asked).toEqual([]);
    status = facts({ moves: [LEAVE_7] });
    await pass(12_000);
    expect(asked).toEqual(["move"]);
    notify({ type: "moving" });
    expect(controller.store.model).toMatchObject({ phase: "live", moving: true });
    notify({ type: "moved", moved: true });
    expect(controller.store.model).toMatchObject({ phase: "live", moving: false, attempt: 1 });
    await pass(30_000);
    expect(asked).toEqual(["move"]);
  });

  test("is tried again soon when no other one takes the host", async () => {
    status = facts({ moves: [LEAVE_7] });
    await pass(12_000);
    notify({ type: "moving" });
    notify({ type: "moved", moved: false });
    expect(controller.store.model).toMatchObject({ phase: "live", moving: false });
    await pass(8_000);
    expect(asked).toEqual(["move", "move"]);
  });

  test("is not the concern of a host on another one, nor without an answer", async () => {
    status = facts({ moves: [{ ...LEAVE_7, shard: 8 }] });
    await pass(12_000);
    status = UNREACHABLE;
    await pass(30_000);
    expect(asked).toEqual([]);
    expect(phase()).toBe("live");
  });

  test("does not move a host whose connection was lost meanwhile", async () => {
    status = facts({ moves: [LEAVE_7] });
    await pass(5_100);
    notify({ type: "lost", how: "stalled" });
    answer = UNREACHABLE;
    await pass(30_000);
    expect(asked).not.toContain("move");
  });
});

describe("ending", () => {
  beforeEach(goOnAir);

  test("leaves, closes the microphone and forgets", async () => {
    await controller.endForAll();
    expect(phase()).toBe("ended");
    expect(asked).toEqual(["leave", "close"]);
    expect(remembered.size).toBe(0);
  });

  test("a server that does not answer leaves the host on air to try again", async () => {
    ending = UNREACHABLE;
    await controller.endForAll();
    expect(controller.store.model).toMatchObject({ phase: "live", ending: "failed" });
  });

  test("a key that is not right is explained", async () => {
    ending = new RefusedError("forbidden", 401, null, "");
    await controller.endForAll();
    expect(phase()).toBe("forbidden");
  });
});

test("leaving the page keeps the event and the memory of being on air", async () => {
  await goOnAir();
  controller.pageHidden();
  expect(asked).toEqual(["leave"]);
  expect(remembered.get("on-air.talk2345")).toBe("yes");
});
