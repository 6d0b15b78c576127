/** The host's one sentence about the doors: how many listen, join and wait, and why. */
import type { EventFacts } from "../shared/event_facts";
import { fill, plural } from "../shared/i18n/plural";
import type { StudioWords } from "./words";

/** Empty while nobody has come. */
export function sayDoors(facts: EventFacts | null, words: StudioWords["doors"], locale: string): string {
  if (facts === null || facts.listeners + facts.joining + facts.waiting === 0) return "";
  const values = {
    listening: plural(words.listening, facts.listeners, locale),
    joining: plural(words.joining, facts.joining, locale),
    waiting: plural(words.waiting, facts.waiting, locale),
    why: why(facts, words, locale),
  };
  if (facts.waiting > 0) return fill(facts.joining > 0 ? words.withWaiting : words.onlyWaiting, values);
  return fill(facts.joining > 0 ? words.withoutWaiting : words.everybody, values);
}

function why(facts: EventFacts, words: StudioWords["doors"], locale: string): string {
  if (facts.full) return words.becauseFull;
  return facts.rate >= 0.5 ? plural(words.becauseRate, Math.round(facts.rate), locale) : words.becauseSoon;
}
