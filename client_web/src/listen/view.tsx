import { useEffect } from "preact/hooks";
import { Countdown, useSeconds } from "../shared/countdown_view";
import { COMMON, LONG_TITLE } from "../shared/i18n/common";
import { fill } from "../shared/i18n/plural";
import { useSpeech } from "../shared/i18n/tongue_context";
import { Icon, type IconName } from "../shared/icons";
import { type Mood, Theatre } from "../shared/theatre";
import { useStore } from "../shared/use_store";
import type { ListenController } from "./controller";
import { SoundControls } from "./sound_controls";
import { hostIsAway, type ListenModel, type ListenPhase } from "./state";
import { tell } from "./telling";
import { LISTEN_WORDS, type ListenWords } from "./words";

const MOODS: Readonly<Record<ListenPhase, Mood>> = {
  loading: "dark",
  ready: "hushed",
  early: "dark",
  waiting: "hushed",
  connecting: "reaching",
  live: "listening",
  recovering: "searching",
  missing: "dark",
  ended: "dark",
};

const NEVER = Number.NEGATIVE_INFINITY;

export function ListenPage({ controller }: { controller: ListenController }) {
  const model = useStore(controller.store);
  const { words, locale, date, count } = useSpeech(LISTEN_WORDS);
  const common = useSpeech(COMMON).words;
  const startsAt = model.facts?.startsAt ?? null;
  const overdue = useSeconds(startsAt ?? NEVER, controller.now) >= (startsAt ?? Number.POSITIVE_INFINITY);
  const { headline, detail } = tell(model, overdue, words, locale);
  const title = model.facts?.title || common.untitled;
  const counting = model.phase === "early" && startsAt !== null && !overdue;
  useEffect(() => {
    document.title = model.phase === "missing" ? words.missingHeadline : title;
  }, [title, model.phase, words]);
  return (
    <main class="listen" data-phase={model.phase}>
      {model.phase !== "missing" && (
        <h1 dir="auto" class={title.length > LONG_TITLE ? "long" : ""}>
          {title}
        </h1>
      )}
      <Theatre mood={moodOf(model)}>
        <Disc model={model} controller={controller} words={words} />
      </Theatre>
      <div class="telling">
        <div role="status">
          {model.phase === "missing" ? (
            <h1>{headline}</h1>
          ) : (
            <Headline model={model} text={counting ? common.startsIn : headline} />
          )}
        </div>
        {counting && (
          <>
            <Countdown target={startsAt} now={controller.now} words={common} locale={locale} />
            <p class="hint">{fill(words.startsOn, { date: date(startsAt) })}</p>
          </>
        )}
        <p class="detail" role="status">
          {detail}
        </p>
      </div>
      {model.phase === "live" && model.blocked && (
        <button type="button" class="strong" onClick={() => controller.player.resume()}>
          {words.play}
        </button>
      )}
      {model.phase === "live" && <SoundControls model={model} controller={controller} />}
      {model.phase === "live" && model.facts !== null && model.facts.listeners > 0 && (
        <p class="hint">{count(words.listening, model.facts.listeners)}</p>
      )}
    </main>
  );
}

function Headline({ model, text }: { model: ListenModel; text: string }) {
  return (
    <p class="headline">
      {model.phase === "live" && !hostIsAway(model) && <span class="on-air" aria-hidden="true" />}
      {text}
    </p>
  );
}

function moodOf(model: ListenModel): Mood {
  if (hostIsAway(model) || (model.phase === "early" && model.wanted)) return "hushed";
  return MOODS[model.phase];
}

interface DiscProps {
  readonly model: ListenModel;
  readonly controller: ListenController;
  readonly words: ListenWords;
}

/** The one large button. It stays the same element in every phase, so that focus is never lost. */
function Disc({ model, controller, words }: DiscProps) {
  if (model.phase === "missing" || model.phase === "ended")
    return <div class="disc disc-still" aria-hidden="true" />;
  const { icon, label, name } = discFace(model, words);
  return (
    <button
      type="button"
      class="disc"
      data-action={model.wanted ? "stop" : "listen"}
      data-wanted={model.wanted ? "yes" : "no"}
      aria-label={name}
      // The second click of a double click must not undo the first.
      onClick={(event) => event.detail <= 1 && (model.wanted ? controller.stop() : controller.listen())}
    >
      <Icon name={icon} />
      <span>{label}</span>
    </button>
  );
}

function discFace(model: ListenModel, words: ListenWords): { icon: IconName; label: string; name: string } {
  if (!model.wanted) return { icon: "listen", label: words.listen, name: words.listen };
  if (model.phase === "early") return { icon: "check", label: words.armed, name: words.stopWaiting };
  return { icon: "stop", label: words.stop, name: words.stop };
}
