import { DIRECTION, LANGUAGES, type Language, OWN_NAME } from "./language";

/** One button per language that is not shown now, each in its own words. */
export function LanguageSwitch(props: { current: Language; onChoose: (language: Language) => void }) {
  return (
    <div class="language-switch">
      {LANGUAGES.filter((language) => language !== props.current).map((language) => (
        <button
          key={language}
          type="button"
          class="quiet"
          lang={language}
          dir={DIRECTION[language]}
          onClick={() => props.onChoose(language)}
        >
          {OWN_NAME[language]}
        </button>
      ))}
    </div>
  );
}
