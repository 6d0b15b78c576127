import { useEffect, useState } from "preact/hooks";
import { remaining } from "../shared/countdown";
import { useSpeech } from "../shared/i18n/tongue_context";
import { STUDIO_WORDS } from "./dictionary";

/** How long the host has been on air, as h:mm:ss. `since` in ms of the device's clock. */
export function OnAirTime({ since }: { since: number }) {
  const { words, number } = useSpeech(STUDIO_WORDS);
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const passed = remaining(Math.floor((now - since) / 1000) * 1000, 0);
  const hours = (passed?.days ?? 0) * 24 + (passed?.hours ?? 0);
  const two = (value: number): string => number(value, { minimumIntegerDigits: 2 });
  return (
    <p class="figure">
      <span class="figure-unit">{words.onAirFor}</span>{" "}
      <span class="figure-value" dir="ltr" role="timer">
        {number(hours)}:{two(passed?.minutes ?? 0)}:{two(passed?.seconds ?? 0)}
      </span>
    </p>
  );
}
