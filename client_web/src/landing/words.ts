import type { Dictionaries } from "../shared/i18n/language";

/** Everything the landing page says. */
export interface LandingWords {
  readonly headline: string;
  readonly lead: string;
  readonly formTitle: string;
  readonly titleLabel: string;
  readonly titleHint: string;
  readonly startLabel: string;
  readonly startHint: string;
  readonly create: string;
  readonly creating: string;
  readonly failed: string;
  readonly rejected: string;
  readonly createdHeadline: string;
  readonly hostLink: string;
  readonly hostHint: string;
  readonly listenerLink: string;
  readonly listenerHint: string;
  readonly openStudio: string;
  readonly another: string;
}

export const LANDING_WORDS: Dictionaries<LandingWords> = {
  en: {
    headline: "One voice. Everyone hears.",
    lead: "Speak live from this browser. Anyone with the link listens: no app, no account.",
    formTitle: "Create an event",
    titleLabel: "What is it called?",
    titleHint: "Listeners see this.",
    startLabel: "When does it start? (optional)",
    startHint: "Your local time. Listeners see a countdown.",
    create: "Create event",
    creating: "Creating…",
    failed: "The server did not answer. Please try again.",
    rejected: "The server did not accept this: {detail}",
    createdHeadline: "Your event is ready",
    hostLink: "Host link, for you alone",
    hostHint: "Keep it safe: whoever has it can speak, and it is not shown again.",
    listenerLink: "Link for listeners",
    listenerHint: "Share it anywhere.",
    openStudio: "Open the studio",
    another: "Create another event",
  },
  ar: {
    headline: "صوت واحد يسمعه الجميع.",
    lead: "تحدّث مباشرة من هذا المتصفح، ويستمع كل من لديه الرابط: بلا تطبيق وبلا حساب.",
    formTitle: "إنشاء فعالية",
    titleLabel: "ما اسم الفعالية؟",
    titleHint: "يراه المستمعون.",
    startLabel: "متى تبدأ؟ (اختياري)",
    startHint: "بتوقيتك المحلي. يرى المستمعون عدًّا تنازليًا.",
    create: "إنشاء الفعالية",
    creating: "جارٍ الإنشاء…",
    failed: "لم يُجب الخادم. حاول مجددًا من فضلك.",
    rejected: "لم يقبل الخادم هذا: {detail}",
    createdHeadline: "فعاليتك جاهزة",
    hostLink: "رابط المضيف، لك وحدك",
    hostHint: "احفظه في مكان آمن: من يملكه يستطيع التحدث، ولن يظهر مرة أخرى.",
    listenerLink: "رابط المستمعين",
    listenerHint: "شاركه حيث تشاء.",
    openStudio: "افتح الاستوديو",
    another: "إنشاء فعالية أخرى",
  },
};
