import { useEffect, useRef } from "preact/hooks";
import { useSpeech } from "../shared/i18n/tongue_context";
import type { StudioController } from "./controller";
import { STUDIO_WORDS } from "./dictionary";
import type { StudioModel } from "./state";

/** Ending is for everyone and for good, so it is asked about first. */
export function EndEvent({ model, controller }: { model: StudioModel; controller: StudioController }) {
  const { words } = useSpeech(STUDIO_WORDS);
  const dialog = useRef<HTMLDialogElement>(null);
  const open = model.ending !== "no";
  useEffect(() => {
    if (open && !dialog.current?.open) dialog.current?.showModal();
    if (!open) dialog.current?.close();
  }, [open]);
  const sending = model.ending === "sending";
  const close = (): void => controller.store.dispatch({ type: "ending", ending: "no" });
  const ask = (): void => controller.store.dispatch({ type: "ending", ending: "asking" });
  return (
    <div class="end-event">
      <button type="button" class="danger-quiet" data-action="end" onClick={ask}>
        {words.endEvent}
      </button>
      <dialog ref={dialog} aria-labelledby="end-question" onClose={close}>
        <h2 id="end-question">{words.endQuestion}</h2>
        <p>{words.endConsequence}</p>
        {model.ending === "failed" && (
          <p class="trouble-headline" role="alert">
            {words.endFailed}
          </p>
        )}
        <div class="dialog-buttons">
          <button
            type="button"
            class="danger"
            data-action="end-for-all"
            disabled={sending}
            onClick={() => void controller.endForAll()}
          >
            {sending ? words.ending : words.endForAll}
          </button>
          {/* First in line for Enter: the safe answer. */}
          <button type="button" autofocus onClick={close}>
            {words.keepGoing}
          </button>
        </div>
      </dialog>
    </div>
  );
}
