import "../styles/base.css";
import "../styles/theatre.css";
import "../styles/listen.css";
import artwork from "../assets/artwork.png";
import { fetchStatus, takeTicket } from "../shared/event_api";
import { rememberedTongue } from "../shared/i18n/language";
import { lasting, perTab, showPage } from "../shared/page";
import { eventIdOf } from "../shared/page_address";
import { RefusedError } from "../shared/refusal";
import { ListenController } from "./controller";
import { bindMediaSession } from "./media_session";
import { listenProbe } from "./probe";
import { TicketKeeper } from "./ticket";
import { ListenPage } from "./view";
import { WebRtcPlayer } from "./webrtc_player";
import { LISTEN_WORDS } from "./words";

const eventId = eventIdOf(location.pathname);
const ticket = new TicketKeeper(eventId ?? "", perTab, "locks" in navigator ? navigator.locks : null);
const controller = new ListenController({
  fetchStatus: () =>
    eventId === null
      ? Promise.reject(new RefusedError("missing", null, null, "no event id in the address"))
      : fetchStatus(eventId),
  takePlace: async () => {
    const place = await takeTicket(eventId ?? "");
    ticket.keepPlace(place);
    return place;
  },
  keptPlace: ticket.arrival,
  hasTicket: () => ticket.ticket !== null,
  makePlayer: (notify, serverNow) => new WebRtcPlayer(`/whep/${eventId}`, ticket, serverNow, notify),
  random: Math.random,
});

void ticket.claim();
controller.start();
bindMediaSession(controller, () => LISTEN_WORDS[rememberedTongue(lasting).language].artist, artwork);
addEventListener("pagehide", () => controller.pageHidden());
addEventListener("pageshow", (event) => {
  if (event.persisted) controller.pageShownAgain();
});
addEventListener("online", () => controller.hurry());
Object.defineProperty(window, "stentorProbe", { value: listenProbe(controller) });
showPage(<ListenPage controller={controller} />);
