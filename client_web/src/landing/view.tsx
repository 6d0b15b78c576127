import { useEffect, useRef, useState } from "preact/hooks";
import { CopyField } from "../shared/copy_field";
import { type CreatedEvent, createEvent } from "../shared/event_api";
import { COMMON } from "../shared/i18n/common";
import { fill } from "../shared/i18n/plural";
import { useSpeech } from "../shared/i18n/tongue_context";
import { RefusedError } from "../shared/refusal";
import { Theatre } from "../shared/theatre";
import { parseLocalTime } from "./form_time";
import { LANDING_WORDS } from "./words";

export function LandingPage() {
  const { words } = useSpeech(LANDING_WORDS);
  const [created, setCreated] = useState<CreatedEvent | null>(null);
  return (
    <main class="landing">
      <div class="landing-lead">
        <Theatre mood="listening">
          <div class="disc voice" aria-hidden="true" />
        </Theatre>
        <h1>{words.headline}</h1>
        <p class="lead">{words.lead}</p>
      </div>
      {created === null ? (
        <CreateForm onCreated={setCreated} />
      ) : (
        <Links created={created} onAnother={() => setCreated(null)} />
      )}
    </main>
  );
}

type Progress =
  | { readonly state: "idle" | "sending" }
  | { readonly state: "failed"; readonly error: RefusedError };

function CreateForm({ onCreated }: { onCreated: (created: CreatedEvent) => void }) {
  const { words } = useSpeech(LANDING_WORDS);
  const [progress, setProgress] = useState<Progress>({ state: "idle" });
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const fields = new FormData(form);
    setProgress({ state: "sending" });
    try {
      onCreated(
        await createEvent(String(fields.get("title")).trim(), parseLocalTime(String(fields.get("start")))),
      );
    } catch (error) {
      const refused =
        error instanceof RefusedError ? error : new RefusedError("broken", null, null, String(error));
      setProgress({ state: "failed", error: refused });
    }
  };
  const sending = progress.state === "sending";
  return (
    <form
      class="panel"
      aria-labelledby="create"
      onSubmit={(event) => {
        event.preventDefault();
        void submit(event.currentTarget);
      }}
    >
      <h2 id="create">{words.formTitle}</h2>
      <div class="field">
        <label for="title">{words.titleLabel}</label>
        <input
          id="title"
          name="title"
          required
          maxLength={200}
          dir="auto"
          autocomplete="off"
          aria-describedby="title-hint"
        />
        <p class="hint" id="title-hint">
          {words.titleHint}
        </p>
      </div>
      <div class="field">
        <label for="start">{words.startLabel}</label>
        <input id="start" name="start" type="datetime-local" aria-describedby="start-hint" />
        <p class="hint" id="start-hint">
          {words.startHint}
        </p>
      </div>
      <button type="submit" class="strong" disabled={sending}>
        {sending ? words.creating : words.create}
      </button>
      {progress.state === "failed" && (
        <p class="trouble-headline" role="alert">
          {progress.error.refusal === "rejected"
            ? fill(words.rejected, { detail: progress.error.message })
            : words.failed}
        </p>
      )}
    </form>
  );
}

function Links({ created, onAnother }: { created: CreatedEvent; onAnother: () => void }) {
  const { words } = useSpeech(LANDING_WORDS);
  const common = useSpeech(COMMON).words;
  const heading = useRef<HTMLHeadingElement>(null);
  // The form that had the focus is gone: go on where the news is.
  useEffect(() => heading.current?.focus(), []);
  return (
    <section class="panel" aria-labelledby="created">
      <h2 id="created" ref={heading} tabIndex={-1}>
        {words.createdHeadline}
      </h2>
      <CopyField id="listener-link" label={words.listenerLink} value={created.listenUrl} words={common} />
      <p class="hint">{words.listenerHint}</p>
      <CopyField id="host-link" label={words.hostLink} value={created.hostUrl} words={common} />
      <p class="hint">{words.hostHint}</p>
      <div class="button-row">
        <a class="button strong" href={created.hostUrl}>
          {words.openStudio}
        </a>
        <button type="button" class="quiet" onClick={onAnother}>
          {words.another}
        </button>
      </div>
    </section>
  );
}
