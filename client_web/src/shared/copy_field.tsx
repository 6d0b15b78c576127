import { useRef, useState } from "preact/hooks";

export interface CopyWords {
  readonly copy: string;
  readonly copied: string;
  readonly copyByHand: string;
}

/** A link that can be read, selected and copied. */
export function CopyField(props: { id: string; label: string; value: string; words: CopyWords }) {
  const field = useRef<HTMLInputElement>(null);
  const [outcome, setOutcome] = useState<"none" | "copied" | "by-hand">("none");
  const copy = async (): Promise<void> => {
    field.current?.select();
    setOutcome((await copyText(props.value)) ? "copied" : "by-hand");
  };
  return (
    <div class="copy-field">
      <label for={props.id}>{props.label}</label>
      <div class="copy-row">
        <input
          id={props.id}
          ref={field}
          type="url"
          dir="ltr"
          readOnly
          value={props.value}
          onFocus={(event) => event.currentTarget.select()}
        />
        <button type="button" onClick={() => void copy()}>
          {props.words.copy}
        </button>
      </div>
      <p class="hint" role="status">
        {outcome === "copied" && props.words.copied}
        {outcome === "by-hand" && props.words.copyByHand}
      </p>
    </div>
  );
}

/** Copies `text`; false where the browser has no clipboard for us (plain http, refused). */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
