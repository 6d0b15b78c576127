import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { sha256, unitOf } from "../../src/shared/sha256";

const reference = (text: string): Buffer => createHash("sha256").update(text).digest();

describe("sha256", () => {
  test.each(["", "abc", "a".repeat(55), "a".repeat(56), "a".repeat(64), "ألف ليلة", "x".repeat(1000)])(
    "is what every other SHA-256 says (%#)",
    (text) => {
      expect(Buffer.from(sha256(text)).toString("hex")).toBe(reference(text).toString("hex"));
    },
  );

  test("agrees at every length around the blocks", () => {
    for (let length = 0; length < 200; length++) {
      const text = "é".repeat(length);
      expect(Buffer.from(sha256(text)).equals(reference(text)), String(length)).toBe(true);
    }
  });
});

test("a draw is the digest's bytes over 2^64", () => {
  const digest = Uint8Array.from([0x80, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
  expect(unitOf(digest, 0)).toBe(0.5);
  expect(unitOf(digest, 8)).toBeCloseTo(1, 9);
  expect(unitOf(digest, 8)).toBeLessThan(1);
});
