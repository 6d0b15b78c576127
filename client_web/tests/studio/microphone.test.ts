import { describe, expect, test } from "vitest";
import { constraintsFor, microphoneTrouble, processingOf } from "../../src/studio/microphone";
import { ALL_PROCESSING } from "../../src/studio/state";

describe("processingOf", () => {
  test("everything is on by default", () => {
    expect(processingOf("")).toEqual(ALL_PROCESSING);
  });

  test("each can be switched off in the address", () => {
    expect(processingOf("?ec=0&ns=0&agc=0")).toEqual({
      echoCancellation: false,
      noiseSuppression: false,
      autoGain: false,
    });
    expect(processingOf("?ns=0&agc=1")).toEqual({ ...ALL_PROCESSING, noiseSuppression: false });
  });
});

describe("constraintsFor", () => {
  test("asks for what was chosen, on or off", () => {
    expect(constraintsFor("", { ...ALL_PROCESSING, autoGain: false }).audio).toEqual({
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: false,
      sampleRate: { ideal: 48_000 },
    });
  });

  test("a chosen device is exactly that one", () => {
    expect(constraintsFor("usb", ALL_PROCESSING).audio).toMatchObject({ deviceId: { exact: "usb" } });
  });
});

test.each([
  ["NotAllowedError", "refused"],
  ["SecurityError", "refused"],
  ["NotFoundError", "absent"],
  ["OverconstrainedError", "absent"],
  ["NotReadableError", "busy"],
  ["AbortError", "busy"],
])("%s means %s", (name, state) => {
  expect(microphoneTrouble(new DOMException("", name))).toBe(state);
});
