/** What the page says about its state: two short lines, announced to screen readers as they change. */
import { fill, plural } from "../shared/i18n/plural";
import { peopleAhead, roundly, type WaitRange, waitRange } from "./place";
import { hostIsAway, isInLine, type ListenModel } from "./state";
import type { ListenWords } from "./words";

export interface Telling {
  readonly headline: string;
  readonly detail: string;
}

/** `overdue`: the announced start has passed. */
export function tell(model: ListenModel, overdue: boolean, words: ListenWords, locale: string): Telling {
  switch (model.phase) {
    case "loading":
      return { headline: words.loading, detail: model.reachable ? "" : words.unreachable };
    case "ready":
      return { headline: words.readyHeadline, detail: words.readyDetail };
    case "early":
      return tellEarly(model, overdue, words);
    case "connecting":
      return { headline: words.connecting, detail: model.failures > 1 ? words.connectingSlowly : "" };
    case "live":
      if (model.blocked) return { headline: words.blocked, detail: "" };
      if (hostIsAway(model)) return { headline: words.awayHeadline, detail: words.awayDetail };
      return { headline: words.live, detail: model.muted ? words.mutedDetail : "" };
    case "recovering":
      return { headline: words.recovering, detail: words.recoveringDetail };
    case "waiting":
      return tellWaiting(model, words, locale);
    case "missing":
      return { headline: words.missingHeadline, detail: words.missingDetail };
    case "ended":
      return { headline: words.endedHeadline, detail: words.endedDetail };
  }
}

function tellEarly(model: ListenModel, overdue: boolean, words: ListenWords): Telling {
  const headline = overdue ? words.overdueHeadline : words.earlyHeadline;
  if (!model.reachable) return { headline, detail: words.unreachable };
  if (model.wanted) return { headline, detail: words.armedDetail };
  return { headline, detail: overdue ? `${words.overdueDetail} ${words.earlyDetail}` : words.earlyDetail };
}

function tellWaiting(model: ListenModel, words: ListenWords, locale: string): Telling {
  if (isInLine(model)) return tellLine(model, words, locale);
  if (model.refusal === "rejected" || model.refusal === "forbidden") {
    return { headline: words.unsuitedHeadline, detail: words.unsuitedDetail };
  }
  if (model.place !== null && model.serving !== null) {
    return { headline: words.calledHeadline, detail: words.calledDetail };
  }
  const headline = model.facts?.full ? words.fullHeadline : words.busyHeadline;
  if (model.askedToWaitMs === null) return { headline, detail: words.keepOpen };
  const seconds = Math.max(1, Math.ceil(model.askedToWaitMs / 1000));
  return { headline, detail: plural(words.tryingAgain, seconds, locale) };
}

/** The place in line: about how many are ahead, and a range of time only where there is one to tell. */
function tellLine(model: ListenModel, words: ListenWords, locale: string): Telling {
  const { facts, place, serving } = model;
  if (!facts?.line || place === null || serving === null) return { headline: words.lineHeadline, detail: "" };
  const ahead = peopleAhead(place, facts.line, serving);
  const count = roundly(ahead);
  const people = count < 1 ? words.nextInLine : plural(words.ahead, count, locale);
  const wait = waitRange(ahead, facts.line.rate, facts.full);
  const headline = facts.full ? words.fullHeadline : words.lineHeadline;
  const then = facts.full ? words.lineFull : wait === null ? "" : sayRange(wait, words, locale);
  return { headline, detail: [people, then, words.keepOpen].filter((part) => part !== "").join(" ") };
}

function sayRange(wait: WaitRange, words: ListenWords, locale: string): string {
  const to = Math.ceil(wait.to / 60_000);
  const from = Math.max(1, Math.floor(wait.from / 60_000));
  if (wait.to <= 60_000) return words.underAMinute;
  if (from >= to) return plural(words.minutes, to, locale);
  const written = new Intl.NumberFormat(locale).format(from);
  return fill(plural(words.minutesRange, to, locale), { from: written });
}
