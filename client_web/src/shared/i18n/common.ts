/** Titles with more characters are written smaller: the button below should stay on a phone's first screen. */
export const LONG_TITLE = 60;

/** Words that more than one page says. */
import type { CopyWords } from "../copy_field";
import type { CountdownWords } from "../countdown_view";
import type { Dictionaries } from "./language";

export interface CommonWords extends CopyWords, CountdownWords {
  readonly untitled: string;
}

export const COMMON: Dictionaries<CommonWords> = {
  en: {
    untitled: "Live event",
    copy: "Copy",
    copied: "Copied.",
    copyByHand: "The link is selected: copy it with your keyboard or a long press.",
    startsIn: "Starts in",
    days: { one: "day", other: "days" },
    hours: { one: "hour", other: "hours" },
    minutes: { one: "minute", other: "minutes" },
    seconds: { one: "second", other: "seconds" },
  },
  ar: {
    untitled: "فعالية مباشرة",
    copy: "نسخ",
    copied: "تم النسخ.",
    copyByHand: "الرابط محدَّد: انسخه من لوحة المفاتيح أو بالضغط المطوّل.",
    startsIn: "تبدأ بعد",
    days: { two: "يومان", few: "أيام", many: "يومًا", other: "يوم" },
    hours: { two: "ساعتان", few: "ساعات", other: "ساعة" },
    minutes: { two: "دقيقتان", few: "دقائق", other: "دقيقة" },
    seconds: { two: "ثانيتان", few: "ثوانٍ", other: "ثانية" },
  },
};
