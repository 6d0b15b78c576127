import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Dictionaries, Tongue } from "./language";
import { type PluralText, plural } from "./plural";

export const TongueContext = createContext<Tongue>({ language: "en", locale: "en" });

/** What a view needs to speak: its words, and numbers and dates as the reader writes them. */
export interface Speech<Words> {
  readonly words: Words;
  readonly locale: string;
  count(text: PluralText, count: number): string;
  number(value: number, options?: Intl.NumberFormatOptions): string;
  date(time: number): string;
}

export function useSpeech<Words>(dictionaries: Dictionaries<Words>): Speech<Words> {
  const { language, locale } = useContext(TongueContext);
  return {
    words: dictionaries[language],
    locale,
    count: (text, count) => plural(text, count, locale),
    number: (value, options) => new Intl.NumberFormat(locale, options).format(value),
    date: (time) => new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "short" }).format(time),
  };
}
