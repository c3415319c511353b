// The list of sessions: searched, a page at a time, and kept up to date while it is seen.

import { sessionAddress } from "./address.js";
import { ask } from "./asking.js";
import { element, moreButton, refill, speak } from "./elements.js";
import { follow } from "./live.js";
import { counted, exactly, moment, stopped } from "./words.js";

const TYPING_PAUSE = 250;
const PAGE = 40;

export class SessionList {
  constructor(section, report) {
    this.found = section.querySelector("#found");
    this.field = section.querySelector("#sought");
    this.report = report;
    this.known = new Map();
    this.marked = null;
    this.asked = new AbortController();
    this.following = new AbortController();
    section.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.search();
    });
    this.field.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.search(), TYPING_PAUSE);
    });
    this.found.addEventListener("keydown", (event) => this.step(event));
  }

  /** Read the list from its beginning, and hear from then on what changes in it. */
  async load() {
    this.rest();
    this.following = new AbortController();
    const next = (seen, signal) => ask(["changes"], { seen }, signal).then((told) => told.seen);
    let fresh = false; // What the first answer tells is read already, unless reading failed.
    try {
      await this.read();
      fresh = true;
    } catch (error) {
      if (error.status === 401 || error.name === "AbortError") throw error;
      this.report(error);
    }
    const changed = async () => (fresh ? (fresh = false) : this.renew());
    follow("", next, changed, this.report, this.following.signal);
  }

  rest() {
    this.following.abort();
  }

  async search() {
    try {
      await this.read();
    } catch (error) {
      if (error.name !== "AbortError") this.report(error);
      return;
    }
    const some = this.next === null ? counted(this.known.size, "session") : `More than ${this.known.size} sessions`;
    speak(this.field.value.trim() ? `${some} found` : `${some} listed`);
  }

  async read() {
    this.asked.abort();
    this.asked = new AbortController();
    this.found.setAttribute("aria-busy", "true");
    const body = await ask(["sessions"], { search: this.field.value.trim() }, this.asked.signal);
    this.known = new Map(body.sessions.map((session) => [session.session_id, session]));
    this.take(body);
    this.found.removeAttribute("aria-busy");
  }

  /** Read again as much as is shown: what is not there any more goes. A search is not repeated: it costs more. */
  async renew() {
    if (this.field.value.trim()) return;
    const limit = PAGE * Math.max(1, Math.ceil(this.known.size / PAGE));
    const size = this.known.size;
    const body = await ask(["sessions"], { limit }, this.following.signal);
    if (this.field.value.trim()) return; // Typed meanwhile.
    if (this.known.size !== size) return this.renew(); // More was asked for meanwhile.
    this.known = new Map(body.sessions.map((session) => [session.session_id, session]));
    this.take(body);
  }

  /** Take a session off the list that turned out to be gone. */
  drop(id) {
    if (this.known.delete(id)) this.draw();
  }

  async more() {
    const body = await ask(["sessions"], { search: this.field.value.trim(), offset: this.next }, this.asked.signal);
    const before = this.known.size;
    for (const session of body.sessions) this.known.set(session.session_id, session);
    this.take(body);
    this.found.querySelectorAll("li > a")[before]?.focus();
  }

  take(body) {
    this.next = body.next_offset;
    this.searched = body.searched ?? null;
    this.draw();
  }

  draw() {
    const items = [...this.known.values()].map((session) => this.item(session));
    const none = this.field.value.trim() ? "No session holds all these words." : "There are no sessions yet.";
    refill(
      this.found,
      items.length ? element("ol", { class: "sessions" }, items) : element("p", { class: "soft none" }, none),
      this.searched && element("p", { class: "soft none" }, this.searched),
      this.next !== null && moreButton("More sessions", () => this.more()),
    );
  }

  item(session) {
    const companions = Object.entries(session.companions);
    const present = session.session_id === this.marked;
    return element(
      "li",
      {},
      element(
        "a",
        { id: `session-${session.session_id}`, href: sessionAddress(session.session_id), "aria-current": present && "true" },
        element("span", { class: "title" }, session.title || "Untitled"),
        element("time", { datetime: session.last_used, title: exactly(session.last_used) }, moment(session.last_used)),
        session.found
          ? element("span", { class: "excerpt" }, session.found.text)
          : session.preview && element("span", { class: "excerpt" }, session.preview),
        element("span", { class: "state" }, this.standing(session), companions.map(([type, values]) => this.companion(type, values))),
      ),
    );
  }

  standing({ owner, pinned }) {
    if (owner) return element("span", {}, `shared by ${owner}`);
    return pinned && element("span", {}, "pinned");
  }

  companion(type, values) {
    const how = values.stop_reason ? stopped(values.stop_reason).toLowerCase() : `next: ${values.phase}`;
    return element("span", {}, element("b", {}, type), ` ${how}`);
  }

  mark(id) {
    this.marked = id;
    for (const link of this.found.querySelectorAll("li > a")) {
      if (link.id === `session-${id}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  /** Go through the list with the arrow keys. */
  step(event) {
    const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const links = [...this.found.querySelectorAll("li > a")];
    const at = links.indexOf(document.activeElement);
    if (!way || at < 0) return;
    event.preventDefault();
    links[Math.min(links.length - 1, Math.max(0, at + way))].focus();
  }
}
