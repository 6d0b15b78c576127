import "../styles/base.css";
import "../styles/theatre.css";
import "../styles/landing.css";
import { showPage } from "../shared/page";
import { LandingPage } from "./view";

showPage(<LandingPage />);
