// A session: who thought in it about which question, how it came to its end, and its steps, as they are being made.

import { here, sessionAddress, VIEWS } from "./address.js";
import { ask } from "./asking.js";
import { chart } from "./chart.js";
import { showComparison } from "./comparison.js";
import { element, keepFocus, moreButton, refill, speak } from "./elements.js";
import { figures, outcome } from "./figures.js";
import { follow } from "./live.js";
import { stepItem } from "./step.js";
import { counted, exactly, moment, number, stepName, versionOf } from "./words.js";

const NAMES = { steps: "Steps", changes: "Changes", figures: "Figures" };
let held = null;

/** Show a session as the address has it; one that is shown already is only turned to another view. */
export async function showSession(main, place, { same, report, signal }) {
  if (!same || !held) held = null;
  const shown = held ?? (held = new Shown(main, place.id));
  await shown.turn(place, signal);
  shown.follow(report, signal);
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
    if (this.type === null) return refill(this.main, this.head(), element("p", { class: "soft" }, "Nothing was asked yet."));
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
    this.convergence = await this.readConvergence(signal);
  }

  /** Read the analysis of the revisions that are shown as steps; it comes in pages of a hundred. */
  async readConvergence(signal) {
    let offset = this.earlier ? Math.min(...this.steps.keys()) - 1 : 0;
    const pages = [];
    for (; offset !== null; offset = pages.at(-1).next_offset) {
      pages.push(await ask(this.path("convergence"), { slot: this.slot, offset }, signal));
    }
    const similarities = pages.flatMap((page) => page.similarities);
    const scores = pages.flatMap((page) => page.scores ?? []);
    return { ...pages.at(-1), similarities, scores: scores.length ? scores : null };
  }

  async readEarlier() {
    const body = await ask(this.path("steps"), { slot: this.at, before: Math.min(...this.steps.keys()) });
    this.steps = new Map([...body.steps.map((step) => [step.seq, step]), ...this.steps]);
    this.earlier = body.earlier;
    this.convergence = await this.readConvergence();
    await this.draw();
  }

  async draw(signal) {
    const view = this.place.view;
    const panel = element("div", { id: "panel", role: "tabpanel", "aria-labelledby": `tab-${view}`, tabindex: "0" });
    keepFocus(this.main, () => {
      if (view === "steps") panel.append(...this.timeline());
      if (view === "figures") panel.append(figures(this.overview));
      refill(this.main, this.head(), this.companions(), this.questions(), this.summary(), this.tabs(view), panel);
    });
    if (view === "changes") await showComparison(panel, this, signal);
  }

  head() {
    const { title, created_at: created, last_used: used, parent, forks } = this.overview;
    const about = [
      element("span", {}, "opened ", element("time", { datetime: created, title: exactly(created) }, moment(created))),
      element("span", {}, "last used ", element("time", { datetime: used, title: exactly(used) }, moment(used))),
      element("code", { class: "id", title: "The session's id" }, this.id),
    ];
    if (parent) {
      about.push(element("span", {}, "forked from ", element("a", { href: sessionAddress(parent.session_id) }, "its parent"), ` at entry ${number(parent.at)}`));
    }
    const children = forks.map((fork) =>
      element("li", {}, element("a", { href: sessionAddress(fork.session_id) }, fork.title || "Untitled"), ` at entry ${number(fork.at)}`),
    );
    return element(
      "header",
      { class: "session" },
      element("a", { class: "back", href: "#/" }, "All sessions"),
      element("h1", {}, title || "Untitled"),
      element("p", { class: "about" }, about),
      children.length > 0 && element("details", { class: "forks" }, element("summary", {}, counted(children.length, "fork")), element("ul", {}, children)),
    );
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
    const list = element("ol", {});
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

  timeline() {
    const replaced = new Map();
    for (const step of this.steps.values()) replaced.set(`${step.kind} ${step.iteration}`, step.seq);
    const old = (step) => ["draft", "critique", "revision"].includes(step.kind) && replaced.get(`${step.kind} ${step.iteration}`) !== step.seq;
    const items = [...this.steps.values()].map((step) =>
      this.item(step, {
        path: this.path("entries", String(step.seq)),
        answer: !old(step) && versionOf(step) !== null && versionOf(step) === this.convergence.answer_version,
        replaced: old(step),
        compare: step.kind === "revision" ? sessionAddress(this.id, this.type, this.at, "changes", step.iteration - 1, step.iteration) : null,
      }),
    );
    const list = element("ol", { class: "steps", id: "steps" }, items);
    return [element("h2", { class: "unseen" }, "Steps"), this.earlier && moreButton("Earlier steps", () => this.readEarlier()), list].filter(Boolean);
  }

  /** Give a step's item; one that says the same as before is the same, so that what was opened in it stays open. */
  item(step, around) {
    const key = JSON.stringify([step, around]);
    if (this.items.get(step.seq)?.key !== key) this.items.set(step.seq, { key, item: stepItem(step, around) });
    return this.items.get(step.seq).item;
  }

  /** Hear of new entries; what is open stays open, and the focus stays where it is. */
  follow(report, signal) {
    const next = (seen, stop) => ask(["changes", this.id], { seen }, stop).then((told) => told.seen);
    const changed = async (found) => {
      await this.renew(signal);
      this.seen = found; // Not before: what a turn to another view broke off is asked for again.
    };
    follow(this.seen, next, changed, (error) => this.tell(error, report), signal);
  }

  tell(error, report) {
    if (error?.status === 404) refill(this.main, element("div", { class: "empty" }, element("h1", {}, "This session is gone"), element("p", {}, error.message)));
    else report(error);
  }

  async renew(signal) {
    const last = Math.max(0, ...this.steps.keys());
    this.overview = await ask(["sessions", this.id], {}, signal);
    if (this.type === null) return this.turn(this.place, signal);
    if (this.slot === null && this.overview.companions[this.type]?.slot !== this.at) return this.restart(signal);
    const body = await ask(this.path("steps"), { slot: this.at, after: last }, signal);
    for (const step of body.steps) this.steps.set(step.seq, step);
    this.slots = body.slots;
    this.convergence = await this.readConvergence(signal);
    await this.draw(signal);
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
