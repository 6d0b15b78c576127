import { describe, expect, test } from "vitest";
import { LANDING_WORDS } from "../../src/landing/words";
import { LISTEN_WORDS } from "../../src/listen/words";
import { COMMON } from "../../src/shared/i18n/common";
import { chooseTongue, LANGUAGES } from "../../src/shared/i18n/language";
import { fill, type PluralText, plural } from "../../src/shared/i18n/plural";
import { STUDIO_WORDS } from "../../src/studio/dictionary";

/** Paths of all texts below `node`, plural texts counting as one. */
function texts(node: unknown, path = ""): [string, string[]][] {
  if (typeof node === "string") return [[path, [node]]];
  if (typeof node !== "object" || node === null) return [];
  if ("other" in node) return [[path, Object.values(node as Record<string, string>)]];
  return Object.entries(node).flatMap(([key, value]) => texts(value, `${path}.${key}`));
}

const placeholders = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();

const DICTIONARIES = Object.entries({ COMMON, LISTEN_WORDS, STUDIO_WORDS, LANDING_WORDS });

describe.each(DICTIONARIES)("%s", (_name, dictionaries) => {
  const english = texts(dictionaries.en);

  test("says the same things in every language", () => {
    for (const language of LANGUAGES) {
      expect(texts(dictionaries[language]).map(([path]) => path)).toEqual(english.map(([path]) => path));
    }
  });

  test("has no empty text", () => {
    for (const language of LANGUAGES) {
      for (const [path, forms] of texts(dictionaries[language])) {
        for (const form of forms) expect(form.trim(), path).not.toBe("");
      }
    }
  });

  test("uses the same placeholders in every language", () => {
    const arabic = new Map(texts(dictionaries.ar));
    for (const [path, forms] of english) {
      const most = (list: string[]): string[] => placeholders(list.at(-1) ?? "");
      expect(most(arabic.get(path) ?? []), path).toEqual(most(forms));
    }
  });

  test("speaks Arabic in Arabic", () => {
    for (const [path, forms] of texts(dictionaries.ar)) {
      for (const form of forms) expect(form, path).toMatch(/\p{Script=Arabic}/u);
    }
  });
});

describe("chooseTongue", () => {
  test.each([
    [null, ["de-DE", "ar-EG", "en"], "ar", "ar-EG"],
    [null, ["fr", "de"], "en", "en"],
    ["ar", ["en-GB", "ar-MA"], "ar", "ar-MA"],
    ["en", ["ar"], "en", "en"],
    ["xx", ["en-GB"], "en", "en-GB"],
    [null, [], "en", "en"],
  ])("remembering %s, preferring %j: %s as in %s", (remembered, preferred, language, locale) => {
    expect(chooseTongue(remembered, preferred)).toEqual({ language, locale });
  });
});

describe("plural", () => {
  const arabic: PluralText = { one: "واحد", two: "اثنان", few: "{n} قليل", many: "{n} كثير", other: "{n}" };

  test.each([
    [1, "واحد"],
    [2, "اثنان"],
    [3, "3 قليل"],
    [11, "11 كثير"],
    [100, "100"],
  ])("%i in Arabic", (count, text) => {
    expect(plural(arabic, count, "ar-u-nu-latn")).toBe(text);
  });

  test("falls back to the general form and writes large numbers as the locale does", () => {
    expect(plural({ other: "{n} people" }, 12_345, "en-GB")).toBe("12,345 people");
  });
});

test("fill leaves a placeholder nobody filled", () => {
  expect(fill("{a} and {b}", { a: "x" })).toBe("x and {b}");
});
