import "../styles/base.css";
import "../styles/theatre.css";
import "../styles/studio.css";
import { endEvent, fetchEvent, fetchStatus } from "../shared/event_api";
import { perTab, showPage } from "../shared/page";
import { eventIdOf, hostKeyOf } from "../shared/page_address";
import { StudioController } from "./controller";
import { processingOf } from "./microphone";
import { MicrophoneDesk } from "./microphone_desk";
import { studioProbe } from "./probe";
import { Publisher } from "./publisher";
import { StudioPage } from "./view";
import { keepAwakeOnAir } from "./wake_lock";

const eventId = eventIdOf(location.pathname) ?? "";
const hostKey = hostKeyOf(location.hash) ?? "";
const RECORD_TIMEOUT_MS = 2_000; // it stands between a loss and being back on air

const DOUBT_TIMEOUT_MS = 900; // asked when reports are missing; the answer is needed a second later

const isHeard = (): Promise<boolean> =>
  fetchEvent(eventId, DOUBT_TIMEOUT_MS).then(
    (facts) => facts.host === "present",
    () => false,
  );

const controller = new StudioController({
  eventId,
  hasKey: hostKey !== "",
  processing: processingOf(location.search),
  fetchEvent: () => fetchEvent(eventId, RECORD_TIMEOUT_MS),
  fetchStatus: () => fetchStatus(eventId),
  endEvent: () => endEvent(eventId, hostKey),
  makePublisher: (notify) => new Publisher(`/whip/${eventId}`, hostKey, isHeard, notify),
  makeDesk: (store) => new MicrophoneDesk(store),
  perTab,
  random: Math.random,
});

addEventListener("pagehide", () => controller.pageHidden());
addEventListener("pageshow", (event) => {
  if (event.persisted) controller.pageShownAgain();
});
// Another host link in the same tab changes only the fragment, which loads nothing by itself.
addEventListener("hashchange", () => location.reload());
keepAwakeOnAir(controller);
Object.defineProperty(window, "stentorProbe", { value: studioProbe(controller) });
void controller.start();
showPage(<StudioPage controller={controller} listenUrl={`${location.origin}/e/${eventId}`} />);
