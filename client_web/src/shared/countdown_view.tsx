import { useEffect, useState } from "preact/hooks";
import { remaining, untilNextSecond } from "./countdown";
import { type PluralText, plural } from "./i18n/plural";

export interface CountdownWords {
  readonly startsIn: string;
  readonly days: PluralText;
  readonly hours: PluralText;
  readonly minutes: PluralText;
  readonly seconds: PluralText;
}

interface CountdownProps {
  readonly target: number;
  /** The server's time in ms. */
  readonly now: () => number;
  readonly words: CountdownWords;
  readonly locale: string;
}

/** Time left in cells; nothing once the moment has come. A `timer` is not read out by itself. */
export function Countdown({ target, now, words, locale }: CountdownProps) {
  const left = remaining(target, useSeconds(target, now));
  if (left === null) return null;
  const write = (value: number): string =>
    new Intl.NumberFormat(locale, { minimumIntegerDigits: 2 }).format(value);
  const cells: [PluralText, number][] = [
    [words.hours, left.hours],
    [words.minutes, left.minutes],
    [words.seconds, left.seconds],
  ];
  if (left.days > 0) cells.unshift([words.days, left.days]);
  return (
    <div class="countdown" role="timer" aria-label={words.startsIn}>
      {cells.map(([unit, value]) => (
        <div class="countdown-cell" key={unit.other}>
          <span class="countdown-value">{write(value)}</span>
          <span class="countdown-unit">{plural(unit, value, locale)}</span>
        </div>
      ))}
    </div>
  );
}

/** The server's time at this rendering, which happens again at every full second before `target`. */
export function useSeconds(target: number, now: () => number): number {
  const [ticks, setTicks] = useState(0);
  useEffect(() => {
    if (now() >= target + 1000) return;
    const timer = setTimeout(() => setTicks(ticks + 1), untilNextSecond(target, now()) + 20);
    return () => clearTimeout(timer);
  }, [ticks, target, now]);
  return now();
}
