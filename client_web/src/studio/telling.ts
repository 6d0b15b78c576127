/** What the studio says about its state: a headline and a line of detail. */
import { hasTrouble, type StudioModel } from "./state";
import type { StudioWords } from "./words";

export interface Telling {
  readonly headline: string;
  readonly detail: string;
}

export function tell(model: StudioModel, words: StudioWords): Telling {
  switch (model.phase) {
    case "loading":
      return { headline: words.loading, detail: model.reachable ? "" : words.unreachable };
    case "setup":
      return { headline: words.setupHeadline, detail: setupDetail(model, words) };
    case "connecting":
      return { headline: words.connecting, detail: refusalDetail(model, words) };
    case "live":
      return {
        headline: model.muted ? words.liveMuted : words.live,
        detail: model.moving ? words.moving : "",
      };
    case "recovering":
      return { headline: words.recovering, detail: words.recoveringDetail };
    case "taken":
      return { headline: words.takenHeadline, detail: words.takenDetail };
    case "forbidden":
      return { headline: words.forbiddenHeadline, detail: words.forbiddenDetail };
    case "missing":
      return { headline: words.missingHeadline, detail: words.missingDetail };
    case "ended":
      return { headline: words.endedHeadline, detail: words.endedDetail };
  }
}

function setupDetail(model: StudioModel, words: StudioWords): string {
  if (hasTrouble(model.microphone)) return ""; // its trouble is told in full below
  if (model.wanted) return words.comingBack;
  if (model.facts?.host === "present") return words.occupied;
  return model.microphone === "ready" ? words.soundCheck : words.setupDetail;
}

function refusalDetail(model: StudioModel, words: StudioWords): string {
  if (model.failures < 1) return "";
  return model.refusal === "unreachable" ? words.unreachable : words.refusedByServer;
}
