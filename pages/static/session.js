// A session: who thought in it about which question, how it came to its end, and its steps, as they are being made.

import { here, sessionAddress, VIEWS } from "./address.js";
import { joined, readPages } from "./analysis.js";
import { ask } from "./asking.js";
import { chart } from "./chart.js";
import { renewComparison, showComparison } from "./comparison.js";
import { element, keepFocus, moreButton, refill, speak } from "./elements.js";
import { figures, outcome } from "./figures.js";
import { heading } from "./heading.js";
import { follow } from "./live.js";
import { settle } from "./settling.js";
import { markStep, stepItem } from "./step.js";
import { number, stepName, versionOf } from "./words.js";

const NAMES = { steps: "Steps", changes: "Changes", figures: "Figures" };
let held = null;

/** Show a session as the address has it; one that is shown already is only turned to another view. */
export async function showSession(main, place, { same, report, lost, signal }) {
  if (!same || !held) held = null;
  const shown = held ?? (held = new Shown(main, place.id));
  await shown.turn(place, signal);
  shown.follow(report, lost, signal);
}

class Shown {
  constructor(main, id) {
    this.main = main;
    this.id = id;
    this.steps = new Map();
    this.items = new Map();
  }

  /** Go to a companion, a question and a view; what is not known yet is read. */
  async turn(place, signal) {
    this.place = place;
    this.overview ??= await ask(["sessions", this.id], {}, signal);
    this.seen ??= this.overview.entries;
    const types = Object.keys(this.overview.companions);
    const type = place.type ?? types.at(-1) ?? null;
    const known = type === this.type && this.steps.size > 0 && [this.slot, this.at].includes(place.slot);
    this.type = type;
    if (this.type === null) return refill(this.main, heading(this.overview), element("p", { class: "soft" }, "Nothing was asked yet."));
    if (!known) await this.readSteps(place.slot, signal);
    this.slot = place.slot; // None goes on with each new question; one that is named stays.
    await this.draw(signal);
  }

  path(...parts) {
    return ["sessions", this.id, this.type, ...parts];
  }

  async readSteps(slot, signal) {
    const body = await ask(this.path("steps"), { slot }, signal);
    this.slot = slot;
    this.at = body.slot;
    this.slots = body.slots;
    this.earlier = body.earlier;
    this.steps = new Map(body.steps.map((step) => [step.seq, step]));
    this.items.clear();
    // Of a long slot the newest part is shown, by the steps as by the chart.
    const pages = await readPages(this.path("convergence"), this.at, this.unread(), Infinity, signal);
    this.convergence = joined(pages);
  }

  /** Give the seq up to which steps are left out. */
  unread() {
    return this.earlier ? Math.min(...this.steps.keys()) - 1 : 0;
  }

  async readEarlier() {
    const first = Math.min(...this.steps.keys());
    const body = await ask(this.path("steps"), { slot: this.at, before: first });
    this.steps = new Map([...body.steps.map((step) => [step.seq, step]), ...this.steps]);
    this.earlier = body.earlier;
    const pages = await readPages(this.path("convergence"), this.at, this.unread(), first);
    this.convergence = joined([...pages, this.convergence]);
    await this.draw();
  }

  async draw(signal) {
    const view = this.place.view;
    const panel = element("div", { id: "panel", role: "tabpanel", "aria-labelledby": `tab-${view}`, tabindex: "0" });
    this.above = this.around(view);
    this.panel = panel;
    keepFocus(this.main, () => {
      if (view === "steps") panel.append(...this.timeline());
      if (view === "figures") panel.append(figures(this.overview));
      refill(this.main, this.above, panel);
    });
    if (view === "changes") await showComparison(panel, this, signal);
  }

  /** Make what stands above the panel. */
  around(view) {
    return element("div", {}, heading(this.overview), this.companions(), this.questions(), this.summary(), this.tabs(view));
  }

  /** Show what came, and leave alone what somebody may be reading or using. */
  async add(steps, signal) {
    const view = this.place.view;
    if (!this.panel.isConnected || this.panel.getAttribute("aria-labelledby") !== `tab-${view}`) return this.draw(signal);
    settle(this.above, this.around(view));
    if (view === "steps") this.timeline();
    if (view === "figures") settle(this.panel.firstChild, figures(this.overview));
    if (view === "changes") await renewComparison(this.panel, this, steps.map(versionOf), signal);
  }

  companions() {
    const types = Object.keys(this.overview.companions);
    if (types.length < 2) return null;
    const links = types.map((type) =>
      element("a", { id: `companion-${type}`, href: sessionAddress(this.id, type), "aria-current": type === this.type && "true" }, type),
    );
    return element("nav", { class: "companions", "aria-label": "Companions" }, links);
  }

  questions() {
    if (this.slots < 2) return null;
    const link = (slot, text) =>
      slot < 0 || slot >= this.slots
        ? element("span", { class: "soft", "aria-hidden": "true" }, text)
        : element("a", { href: sessionAddress(this.id, this.type, slot, this.place.view), id: `question-${text}` }, `${text} question`);
    const list = element("ol", { "data-own": true });
    const told = element("details", { class: "queries" }, element("summary", {}, `Question ${number(this.at + 1)} of ${number(this.slots)}`), list);
    told.addEventListener("toggle", () => told.open && !list.childElementCount && this.listQuestions(list, null), { once: true });
    return element("nav", { class: "questions", "aria-label": "Questions" }, link(this.at - 1, "Earlier"), told, link(this.at + 1, "Later"));
  }

  async listQuestions(list, before) {
    const body = await ask(this.path("queries"), { before });
    const links = body.queries.map((query) =>
      element("li", { value: query.slot + 1 }, element("a", { href: sessionAddress(this.id, this.type, query.slot) }, query.preview)),
    );
    list.prepend(...links);
    if (body.earlier) {
      const button = moreButton("Earlier questions", async () => {
        await this.listQuestions(list, body.queries[0].seq);
        button.parentElement.remove();
      });
      list.prepend(element("li", { class: "plain" }, button));
    }
  }

  summary() {
    const values = this.overview.companions[this.type] ?? {};
    const drawing = chart(this.convergence, (version) => sessionAddress(this.id, this.type, this.at, "changes", version - 1, version));
    return element("section", { class: "summary", "aria-labelledby": "outcome" }, outcome(this.convergence, values, this.at === this.slots - 1), drawing);
  }

  /** Tabs, as the ARIA practices have them; each view has an address, so that going back undoes a turn. */
  tabs(view) {
    const tabs = VIEWS.map((name) => {
      const chosen = name === view;
      const turn = () => {
        location.hash = sessionAddress(this.id, this.type, this.at, name);
      };
      return element("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-selected": String(chosen), "aria-controls": "panel", tabindex: chosen ? "0" : "-1", onclick: turn }, NAMES[name]);
    });
    const bar = element("div", { class: "tabs", role: "tablist", "aria-label": "How to look at it" }, tabs);
    bar.addEventListener("keydown", (event) => {
      const at = VIEWS.indexOf(here().view);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: VIEWS.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = tabs[(to + VIEWS.length) % VIEWS.length];
      next.focus();
      next.click();
    });
    return bar;
  }

  /** Make the list of steps; to one that is shown already, add what it lacks. */
  timeline() {
    const replaced = new Map();
    for (const step of this.steps.values()) replaced.set(`${step.kind} ${step.iteration}`, step.seq);
    const old = (step) => ["draft", "critique", "revision"].includes(step.kind) && replaced.get(`${step.kind} ${step.iteration}`) !== step.seq;
    const marks = (step) => ({
      answer: !old(step) && versionOf(step) !== null && versionOf(step) === this.convergence.answer_version,
      replaced: old(step),
    });
    const items = [...this.steps.values()].map((step) => this.item(step, marks(step)));
    const list = this.panel.querySelector("#steps");
    if (list) return list.append(...items.slice(list.childElementCount));
    const made = element("ol", { class: "steps", id: "steps" }, items);
    return [element("h2", { class: "unseen" }, "Steps"), this.earlier && moreButton("Earlier steps", () => this.readEarlier()), made].filter(Boolean);
  }

  /** Give a step's item, which is made once, so that what was opened in it stays open. */
  item(step, marks) {
    const compare = step.kind === "revision" ? sessionAddress(this.id, this.type, this.at, "changes", step.iteration - 1, step.iteration) : null;
    if (!this.items.has(step.seq)) this.items.set(step.seq, stepItem(step, this.path("entries", String(step.seq)), compare));
    markStep(this.items.get(step.seq), step, marks);
    return this.items.get(step.seq);
  }

  /** Hear of new entries; what is open stays open, and the focus stays where it is. */
  follow(report, lost, signal) {
    const next = (seen, stop) => ask(["changes", this.id], { seen }, stop).then((told) => told.seen);
    const changed = async (found) => {
      await this.renew(signal);
      this.seen = found; // Not before: what a turn to another view broke off is asked for again.
    };
    follow(this.seen, next, changed, (error) => this.tell(error, report, lost), signal);
  }

  tell(error, report, lost) {
    if (error?.status !== 404) return report(error);
    lost(error);
    refill(this.main, element("div", { class: "empty" }, element("h1", {}, "This session is gone"), element("p", {}, error.message)));
  }

  async renew(signal) {
    const last = Math.max(0, ...this.steps.keys());
    this.overview = await ask(["sessions", this.id], {}, signal);
    if (this.type === null) return this.turn(this.place, signal);
    if (this.slot === null && this.overview.companions[this.type]?.slot !== this.at) return this.restart(signal);
    const body = await ask(this.path("steps"), { slot: this.at, after: last }, signal);
    const pages = await readPages(this.path("convergence"), this.at, last, Infinity, signal);
    for (const step of body.steps) this.steps.set(step.seq, step);
    this.slots = body.slots;
    this.convergence = joined([this.convergence, ...pages]);
    await this.add(body.steps, signal);
    const newest = body.steps.at(-1);
    if (newest) speak(`New: ${stepName(newest)}`);
    if (body.later) await this.renew(signal);
  }

  async restart(signal) {
    this.steps.clear();
    await this.turn(this.place, signal);
    speak("A new question was asked");
  }
}
