// The page's beginning: asks who looks, shows the sessions and what the address names, and goes where it changes to.

import { here } from "./address.js";
import { ask, takeToken, useToken } from "./asking.js";
import { element, refill } from "./elements.js";
import { showLearned } from "./learned.js";
import { rested } from "./live.js";
import { showSession } from "./session.js";
import { SessionList } from "./sessions.js";

const main = document.getElementById("main");
const panes = document.getElementById("panes");
const news = document.getElementById("news");
const list = new SessionList(document.getElementById("list"), report);
let leaving = new AbortController();
let shown = "";
let tried = false;
let pause = 0;

const PASSING = [0, 429, 503];
const LONGEST_PAUSE = 60;

/** Say in the page's head that something does not work, until it does. */
function report(error) {
  if (error?.status === 401) {
    askForToken(error);
    return;
  }
  news.hidden = !error;
  news.textContent = error ? error.message : "";
}

function askForToken(error) {
  if (shown === "token") return; // The list and the session are asked for at the same time.
  leaving.abort();
  list.rest();
  document.body.dataset.place = "token";
  const field = element("input", { id: "token", type: "password", autocomplete: "off", spellcheck: "false", required: true });
  const said = element("p", { class: "fault", id: "token-fault", role: "alert" }, tried ? error.message : "");
  const form = element(
    "form",
    { class: "token" },
    element("h1", {}, "Who are you?"),
    element("p", {}, "This server shows sessions to their owner. Enter an access token that it takes."),
    element("label", { for: "token" }, "Access token"),
    field,
    element("button", { type: "submit" }, "Look at my sessions"),
    said,
    element("p", { class: "soft" }, "It is kept in this tab only. After ", element("code", {}, "companions inspect"), ", use the whole address that it printed."),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    useToken(field.value);
    tried = true;
    begin();
  });
  shown = "token";
  refill(main, form);
  field.focus();
}

/** Show what the address names. The same session in another view keeps its place. */
async function go({ focus = true } = {}) {
  const held = main.contains(document.activeElement);
  leaving.abort();
  leaving = new AbortController();
  const place = here();
  const key = JSON.stringify([place.place, place.id, place.place === "learned" && place.type]);
  const same = key === shown;
  shown = key;
  document.body.dataset.place = place.place;
  panes.dataset.open = place.place === "sessions" ? "list" : "main";
  list.mark(place.id ?? null);
  for (const link of document.querySelectorAll("header nav a")) {
    const present = link.dataset.place === place.place || (place.place === "session" && link.dataset.place === "sessions");
    if (present) link.setAttribute("aria-current", place.place === "session" ? "true" : "page");
    else link.removeAttribute("aria-current");
  }
  try {
    if (place.place === "session") await showSession(main, place, { same, report, lost, signal: leaving.signal });
    else if (place.place === "learned") await showLearned(main, place.type);
    else welcome();
    if (shown === "token") return;
    pause = 0;
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.status === 401) return askForToken(error);
    lost(error);
    failed(error);
  }
  const title = main.querySelector("h1");
  document.title = title && place.place !== "sessions" ? `${title.textContent.slice(0, 80)} · Companions` : "Persistent Companions";
  if (focus && !same) focusOn(place);
  else if (held && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
}

/** Take the session that the address names off the list, if it turned out not to be there. */
function lost(error) {
  if (error.code === "unknown_session") list.drop(here().id);
}

/** Say that something cannot be shown, and try again when asked to, or by itself if what is wrong may pass. */
function failed(error) {
  const again = () => go({ focus: false });
  const button = element("button", { type: "button", onclick: again }, "Try again");
  refill(main, element("div", { class: "empty" }, element("h1", {}, "This cannot be shown"), element("p", {}, error.message), button));
  if (!PASSING.includes(error.status)) return;
  pause = Math.min(LONGEST_PAUSE, Math.max(2 * pause, error.seconds || 2));
  rested(1000 * pause, leaving.signal).then((wanted) => wanted && again());
}

function focusOn(place) {
  if (place.place === "sessions") return;
  window.scrollTo(0, 0);
  main.focus({ preventScroll: true });
}

function welcome() {
  refill(
    main,
    element(
      "div",
      { class: "empty" },
      element("h1", {}, "Choose a session"),
      element("p", {}, "Each holds every draft, critique and revision of a question that was thought through."),
    ),
  );
}

/** Read the list, and beside it what the address names. */
async function begin() {
  shown = "";
  const listed = list.load().catch(report);
  await go({ focus: false });
  await listed;
}

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault(); // The address says what is shown, and stays.
  main.focus();
});
window.addEventListener("hashchange", () => {
  if (location.hash.startsWith("#token=")) {
    takeToken();
    begin();
  } else if (shown !== "token") go();
});
takeToken();
begin();
