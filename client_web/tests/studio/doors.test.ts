import { describe, expect, test } from "vitest";
import { STUDIO_WORDS } from "../../src/studio/dictionary";
import { sayDoors } from "../../src/studio/doors";
import { facts } from "../support/facts";

const words = STUDIO_WORDS.en.doors;
const say = (change: Parameters<typeof facts>[0]) => sayDoors(facts(change), words, "en");

describe("the sentence about the doors", () => {
  test.each([
    ["nobody yet", { listeners: 0 }, ""],
    ["all in", { listeners: 1 }, "1 person listens. Everyone who came is in."],
    ["some joining", { listeners: 40, joining: 3 }, "40 people listen and 3 are joining: nobody waits."],
    [
      "full",
      { listeners: 1000, joining: 0, waiting: 1200, full: true },
      "1,000 people listen and 1,200 wait: every place is taken, and the line moves when somebody leaves.",
    ],
    [
      "a rush",
      { listeners: 200, joining: 30, waiting: 5000, rate: 49.7 },
      "200 people listen, 30 are joining and 5,000 wait: they are let in at about 50 a second, as fast as the server can welcome them.",
    ],
    [
      "a line that has just begun",
      { listeners: 200, joining: 0, waiting: 1 },
      "200 people listen and 1 waits: the first of them are about to be let in.",
    ],
  ])("%s", (_name, change, sentence) => {
    expect(say(change)).toBe(sentence);
  });

  test("is whole in Arabic too", () => {
    for (const count of [0, 1, 2, 5, 15, 100, 1_234]) {
      const said = sayDoors(
        facts({ listeners: count, joining: count, waiting: count + 1, rate: count }),
        STUDIO_WORDS.ar.doors,
        "ar",
      );
      expect(said).not.toMatch(/[{}]/);
      expect(said).not.toBe("");
    }
  });
});
