import { describe, expect, test } from "vitest";
import { judgeReturn, retryDelay } from "../../src/studio/retry_plan";
import { ALL_PROCESSING, initialModel, type StudioModel } from "../../src/studio/state";
import { facts } from "../support/facts";

const model = (change: Partial<StudioModel>): StudioModel => ({
  ...initialModel(ALL_PROCESSING),
  phase: "recovering",
  aired: true,
  ...change,
});
const highest = (): number => 0.999_999;

describe("retryDelay", () => {
  test("a path gone quiet is tried again within 300 ms", () => {
    expect(retryDelay(model({ failures: 1, lostBy: "stalled" }), highest)).toBeLessThanOrEqual(300);
  });

  test("after the server closed it, waits until it shows who is on air", () => {
    expect(retryDelay(model({ failures: 1, lostBy: "closed" }), () => 0)).toBe(1200);
  });

  test("never waits more than 2 s of its own accord", () => {
    for (let failures = 1; failures < 30; failures++) {
      expect(retryDelay(model({ failures, lostBy: "closed" }), highest)).toBeLessThanOrEqual(2000);
    }
  });

  test("obeys the server", () => {
    expect(retryDelay(model({ failures: 3, askedToWaitMs: 9000 }), () => 0)).toBe(9000);
  });
});

describe("judgeReturn", () => {
  test("never pushes somebody else out", () => {
    expect(judgeReturn(model({}), facts({ host: "present" }))).toBe("someone-else");
  });

  test.each(["away", "none"] as const)("goes back when the host is %s", (host) => {
    expect(judgeReturn(model({}), facts({ host }))).toBe("publish");
  });

  test("a first attempt is the host's own wish", () => {
    expect(judgeReturn(model({ aired: false }), facts({ host: "present" }))).toBe("publish");
  });

  test("an event that ended meanwhile is over", () => {
    expect(judgeReturn(model({}), facts({ phase: "ended" }))).toBe("ended");
  });
});
