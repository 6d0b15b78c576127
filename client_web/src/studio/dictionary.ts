import type { Dictionaries } from "../shared/i18n/language";
import type { StudioWords } from "./words";
import { ARABIC } from "./words_ar";
import { ENGLISH } from "./words_en";

export const STUDIO_WORDS: Dictionaries<StudioWords> = { en: ENGLISH, ar: ARABIC };
