import type { Dictionaries } from "../shared/i18n/language";
import type { PluralText } from "../shared/i18n/plural";

/** Everything the listener's page says. */
export interface ListenWords {
  readonly listen: string;
  readonly stop: string;
  readonly armed: string;
  readonly stopWaiting: string;
  readonly loading: string;
  readonly readyHeadline: string;
  readonly readyDetail: string;
  readonly earlyHeadline: string;
  readonly overdueHeadline: string;
  readonly overdueDetail: string;
  readonly earlyDetail: string;
  readonly armedDetail: string;
  readonly startsOn: string;
  readonly connecting: string;
  readonly connectingSlowly: string;
  readonly live: string;
  readonly awayHeadline: string;
  readonly awayDetail: string;
  readonly recovering: string;
  readonly recoveringDetail: string;
  readonly busyHeadline: string;
  readonly fullHeadline: string;
  readonly tryingAgain: PluralText;
  readonly lineHeadline: string;
  readonly nextInLine: string;
  readonly ahead: PluralText;
  readonly underAMinute: string;
  readonly minutes: PluralText;
  readonly minutesRange: PluralText;
  readonly lineFull: string;
  readonly keepOpen: string;
  readonly calledHeadline: string;
  readonly calledDetail: string;
  readonly unsuitedHeadline: string;
  readonly unsuitedDetail: string;
  readonly endedHeadline: string;
  readonly endedDetail: string;
  readonly missingHeadline: string;
  readonly missingDetail: string;
  readonly unreachable: string;
  readonly blocked: string;
  readonly play: string;
  readonly mute: string;
  readonly unmute: string;
  readonly mutedDetail: string;
  readonly volume: string;
  readonly listening: PluralText;
  readonly artist: string;
}

export const LISTEN_WORDS: Dictionaries<ListenWords> = {
  en: {
    listen: "Listen",
    stop: "Stop",
    armed: "Ready",
    stopWaiting: "Ready. Press to stop waiting",
    loading: "Finding the event…",
    readyHeadline: "Live now",
    readyDetail: "Press Listen to join.",
    earlyHeadline: "Not started yet",
    overdueHeadline: "Any moment now",
    overdueDetail: "The host has not begun yet.",
    earlyDetail: "Press Listen now and the sound begins by itself.",
    armedDetail: "You are in. Keep this page open: the sound begins by itself.",
    startsOn: "Starts {date}",
    connecting: "Connecting…",
    connectingSlowly: "This is taking longer than usual. Still trying by itself.",
    live: "Live",
    awayHeadline: "The host will be back in a moment",
    awayDetail: "You are still connected. Nothing for you to do.",
    recovering: "Connection lost",
    recoveringDetail: "Coming back by itself…",
    busyHeadline: "The server asks for a moment",
    fullHeadline: "Every place is taken right now",
    tryingAgain: {
      one: "Trying again by itself in about a second.",
      other: "Trying again by itself in about {n} seconds.",
    },
    lineHeadline: "You are in line",
    nextInLine: "You are next.",
    ahead: { one: "About one person is ahead of you.", other: "About {n} people are ahead of you." },
    underAMinute: "It should take less than a minute.",
    minutes: { one: "It should take about a minute.", other: "It should take about {n} minutes." },
    minutesRange: { other: "It should take {from} to {n} minutes." },
    lineFull: "You move up when somebody leaves, and nobody can say when that is. Your place is kept.",
    keepOpen: "Keep this page open: the sound begins by itself.",
    calledHeadline: "It is your turn",
    calledDetail: "You are being let in. Nothing for you to do.",
    unsuitedHeadline: "This browser could not join",
    unsuitedDetail: "Another browser may do better. This page goes on trying by itself.",
    endedHeadline: "This event has ended",
    endedDetail: "Thank you for listening.",
    missingHeadline: "There is no event at this address",
    missingDetail: "Check the link to its last letter, or ask whoever sent it for a new one.",
    unreachable: "The server does not answer. This page goes on trying by itself.",
    blocked: "Your browser holds the sound back",
    play: "Play the sound",
    mute: "Mute",
    unmute: "Unmute",
    mutedDetail: "Muted",
    volume: "Volume",
    listening: { one: "{n} person listening", other: "{n} people listening" },
    artist: "Live on Stentor",
  },
  ar: {
    listen: "استمع",
    stop: "إيقاف",
    armed: "جاهز",
    stopWaiting: "جاهز. اضغط للتوقف عن الانتظار",
    loading: "جارٍ البحث عن الفعالية…",
    readyHeadline: "مباشر الآن",
    readyDetail: "اضغط «استمع» للانضمام.",
    earlyHeadline: "لم تبدأ بعد",
    overdueHeadline: "في أي لحظة الآن",
    overdueDetail: "لم يبدأ المضيف بعد.",
    earlyDetail: "اضغط «استمع» الآن وسيبدأ الصوت من تلقاء نفسه.",
    armedDetail: "أنت معنا. أبقِ هذه الصفحة مفتوحة: سيبدأ الصوت من تلقاء نفسه.",
    startsOn: "تبدأ {date}",
    connecting: "جارٍ الاتصال…",
    connectingSlowly: "يستغرق هذا وقتًا أطول من المعتاد. ما زالت المحاولة مستمرة.",
    live: "مباشر",
    awayHeadline: "سيعود المضيف بعد لحظات",
    awayDetail: "ما زلت متصلًا. لا يلزمك فعل شيء.",
    recovering: "انقطع الاتصال",
    recoveringDetail: "تجري إعادته تلقائيًا…",
    busyHeadline: "يطلب الخادم لحظة من فضلك",
    fullHeadline: "جميع الأماكن مشغولة الآن",
    tryingAgain: {
      one: "ستعاد المحاولة تلقائيًا بعد نحو ثانية.",
      two: "ستعاد المحاولة تلقائيًا بعد نحو ثانيتين.",
      few: "ستعاد المحاولة تلقائيًا بعد نحو {n} ثوانٍ.",
      other: "ستعاد المحاولة تلقائيًا بعد نحو {n} ثانية.",
    },
    lineHeadline: "أنت في الطابور",
    nextInLine: "أنت التالي.",
    ahead: {
      one: "أمامك شخص واحد تقريبًا.",
      two: "أمامك شخصان تقريبًا.",
      few: "أمامك نحو {n} أشخاص.",
      many: "أمامك نحو {n} شخصًا.",
      other: "أمامك نحو {n} شخص.",
    },
    underAMinute: "يُتوقع أن يستغرق ذلك أقل من دقيقة.",
    minutes: {
      one: "يُتوقع أن يستغرق ذلك نحو دقيقة.",
      two: "يُتوقع أن يستغرق ذلك نحو دقيقتين.",
      few: "يُتوقع أن يستغرق ذلك نحو {n} دقائق.",
      other: "يُتوقع أن يستغرق ذلك نحو {n} دقيقة.",
    },
    minutesRange: {
      two: "يُتوقع أن يستغرق ذلك من دقيقة إلى دقيقتين.",
      few: "يُتوقع أن يستغرق ذلك من {from} إلى {n} دقائق.",
      other: "يُتوقع أن يستغرق ذلك من {from} إلى {n} دقيقة.",
    },
    lineFull: "تتقدم كلما غادر أحد، ولا يمكن لأحد أن يعرف متى. مكانك محفوظ.",
    keepOpen: "أبقِ هذه الصفحة مفتوحة: سيبدأ الصوت من تلقاء نفسه.",
    calledHeadline: "حان دورك",
    calledDetail: "يجري إدخالك الآن. لا يلزمك فعل شيء.",
    unsuitedHeadline: "تعذّر الانضمام من هذا المتصفح",
    unsuitedDetail: "قد ينجح متصفح آخر. وتواصل هذه الصفحة المحاولة تلقائيًا.",
    endedHeadline: "انتهت هذه الفعالية",
    endedDetail: "شكرًا لاستماعك.",
    missingHeadline: "لا توجد فعالية على هذا العنوان",
    missingDetail: "تحقق من الرابط حتى آخر حرف، أو اطلب رابطًا جديدًا ممن أرسله إليك.",
    unreachable: "الخادم لا يجيب. تواصل هذه الصفحة المحاولة تلقائيًا.",
    blocked: "متصفحك يمنع الصوت",
    play: "تشغيل الصوت",
    mute: "كتم الصوت",
    unmute: "إلغاء الكتم",
    mutedDetail: "الصوت مكتوم",
    volume: "مستوى الصوت",
    listening: {
      zero: "لا أحد يستمع",
      one: "مستمع واحد",
      two: "مستمعان",
      few: "{n} مستمعين",
      many: "{n} مستمعًا",
      other: "{n} مستمع",
    },
    artist: "مباشر على ستنتور",
  },
};
