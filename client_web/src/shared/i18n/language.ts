import type { Memory } from "../memory";

/** Languages there is a dictionary for. A new one: add it here and the compiler names what is missing. */
export const LANGUAGES = ["en", "ar"] as const;
export type Language = (typeof LANGUAGES)[number];

/** One dictionary per language; that all have the same words is the type's business. */
export type Dictionaries<Words> = Readonly<Record<Language, Words>>;

export const DIRECTION: Readonly<Record<Language, "ltr" | "rtl">> = { en: "ltr", ar: "rtl" };
/** Each language's name for itself. */
export const OWN_NAME: Readonly<Record<Language, string>> = { en: "English", ar: "العربية" };

/** A language, and the locale by which its numbers and dates are written. */
export interface Tongue {
  readonly language: Language;
  readonly locale: string;
}

/** What was chosen before, else the first of the browser's languages that there is, else English. */
export function chooseTongue(remembered: string | null, preferred: readonly string[]): Tongue {
  const language = known(remembered) ?? preferred.map(known).find((found) => found !== null) ?? "en";
  // "ar-EG" and "ar-MA" write numbers differently: keep the reader's own region where they named one.
  const locale = preferred.find((tag) => known(tag) === language) ?? language;
  return { language, locale };
}

export function rememberedTongue(memory: Memory): Tongue {
  return chooseTongue(memory.get("language"), navigator.languages);
}

/** Makes `<html>` say what language and direction the page has. */
export function showTongue({ language }: Tongue): void {
  document.documentElement.lang = language;
  document.documentElement.dir = DIRECTION[language];
}

function known(tag: string | null): Language | null {
  const base = tag?.toLowerCase().split("-")[0];
  return LANGUAGES.find((language) => language === base) ?? null;
}
