/** What the page says about its state: two short lines, announced to screen readers as they change. */
import { plural } from "../shared/i18n/plural";
import { hostIsAway, type ListenModel } from "./state";
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
  if (model.refusal !== "busy") return { headline: words.unsuitedHeadline, detail: words.unsuitedDetail };
  const seconds = Math.max(1, Math.ceil((model.askedToWaitMs ?? 0) / 1000));
  const headline = model.facts?.full ? words.fullHeadline : words.busyHeadline;
  return { headline, detail: plural(words.tryingAgain, seconds, locale) };
}
