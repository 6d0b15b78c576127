/** The frame all pages share: language, wordmark, and the one place where a page is put into the document. */
import { type ComponentChildren, render } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { chooseTongue, type Language, rememberedTongue, showTongue } from "./i18n/language";
import { LanguageSwitch } from "./i18n/language_switch";
import { TongueContext } from "./i18n/tongue_context";
import { type Memory, memoryOf } from "./memory";

export const lasting: Memory = memoryOf(() => localStorage);
export const perTab: Memory = memoryOf(() => sessionStorage);

function Page(props: { children: ComponentChildren }) {
  const [tongue, setTongue] = useState(() => rememberedTongue(lasting));
  useLayoutEffect(() => showTongue(tongue), [tongue]);
  const choose = (language: Language): void => {
    lasting.set("language", language);
    setTongue(chooseTongue(language, navigator.languages));
  };
  return (
    <TongueContext.Provider value={tongue}>
      <header class="masthead">
        <a class="wordmark" href="/" translate={false}>
          <Mark />
          Stentor
        </a>
        <LanguageSwitch current={tongue.language} onChoose={choose} />
      </header>
      {props.children}
    </TongueContext.Provider>
  );
}

/** A voice and the first two rows of its theatre. */
function Mark() {
  return (
    <svg class="mark" viewBox="0 0 48 32" aria-hidden="true">
      <path class="mark-row" d="M10 28a14 14 0 0 1 28 0" stroke-dasharray="0 7.33" />
      <path class="mark-row" d="M2 28a22 22 0 0 1 44 0" stroke-dasharray="0 7.68" />
      <circle class="mark-voice" cx="24" cy="27" r="4.5" />
    </svg>
  );
}

/** Puts `content` into the page's frame. */
export function showPage(content: ComponentChildren): void {
  const root = document.getElementById("page");
  if (root !== null) render(<Page>{content}</Page>, root);
}
