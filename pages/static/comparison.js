// What changed between two versions of a question's text: taken out, put in, and how much stayed.

import { sessionAddress } from "./address.js";
import { ask } from "./asking.js";
import { element, moreButton, refill } from "./elements.js";
import { settle } from "./settling.js";
import { number, similarity, versionName } from "./words.js";

/** Show the comparison that the address names; without one, what was changed since the draft. */
export async function showComparison(panel, session, signal) {
  const versions = versionsOf(session);
  if (versions.last < 1) {
    refill(panel, element("p", { class: "soft" }, "There is one version so far, so that nothing has changed yet."));
    return;
  }
  const shown = element("div", { class: "compared" });
  panel.replaceChildren(element("h2", { class: "unseen" }, "What changed"), choice(session, versions), shown);
  await fill(shown, session, versions, signal);
}

/** Tell of new versions; the comparison that is shown stays unless it is to be another, or one of its `written`. */
export async function renewComparison(panel, session, written, signal) {
  const versions = versionsOf(session);
  const form = panel.querySelector("form.choice");
  if (!form) return showComparison(panel, session, signal);
  settle(form, choice(session, versions));
  const shown = panel.querySelector(".compared");
  const stays = shown.dataset.versions === named(versions) && !written.some((each) => [versions.before, versions.after].includes(each));
  if (!stays) await fill(shown, session, versions, signal);
}

const named = ({ before, after }) => `${before} ${after}`;

function versionsOf(session) {
  const last = newestVersion(session);
  const after = Math.min(session.place.after ?? (session.convergence.answer_version || last), last);
  return { last, after, before: Math.min(session.place.before ?? 0, last) };
}

function newestVersion(session) {
  return Math.max(0, ...session.convergence.similarities.map((pair) => pair.revision_pair[1]));
}

function choice(session, { last, before, after }) {
  const field = (name, text, value) => [
    element("label", { for: name }, text),
    element("input", { id: name, type: "number", min: 0, max: last, value, inputmode: "numeric" }),
  ];
  const go = (from, to) => {
    location.hash = sessionAddress(session.id, session.type, session.at, "changes", from, to);
  };
  const form = element(
    "form",
    { class: "choice" },
    field("before", "From version", before),
    field("after", "to version", after),
    element("button", { type: "submit" }, "Compare"),
    element("span", { class: "shortcuts" }, shortcut("Draft to newest", 0, last), last > 1 && shortcut("Newest step", last - 1, last)),
    element("p", { class: "soft hint" }, `0 is the draft, ${number(last)} the newest revision.`),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    go(...["before", "after"].map((name) => Math.min(form.elements[name].max, Math.max(0, form.elements[name].value))));
  });
  return form;

  function shortcut(text, from, to) {
    return element("a", { href: sessionAddress(session.id, session.type, session.at, "changes", from, to), "aria-current": from === before && to === after && "true" }, text);
  }
}

async function fill(shown, session, versions, signal) {
  const { before, after } = versions;
  delete shown.dataset.versions; // Until it is there.
  const read = (offset) => ask(session.path("versions"), { slot: session.at, before, after, offset }, signal);
  const told = await read(0);
  const text = element("div", { class: "text diff", id: "diff" }, told.pieces.map(piece));
  const same = told.pieces.every((each) => each.change === "same" || each.change === "left out");
  const head = element(
    "p",
    { class: "compared-head" },
    `From the ${versionName(before)} to ${after === 0 ? "the draft" : versionName(after)}: `,
    element("b", {}, `similarity ${similarity(told.similarity)}`),
    same && told.more === null ? ". Both have the same words." : ". ",
    !same && element("span", { class: "legend" }, element("del", {}, "taken out"), " ", element("ins", {}, "put in")),
  );
  shown.replaceChildren(head, text);
  shown.dataset.versions = named(versions);
  const offer = (more) => {
    if (more === null) return;
    const button = moreButton("More of this comparison", async () => {
      const next = await read(more);
      text.append(...next.pieces.flatMap(piece));
      button.remove();
      offer(next.more);
    });
    shown.append(button);
  };
  offer(told.more);
}

/** Mark a piece; the white space behind its words is not marked with them. */
function piece({ change, text }) {
  const words = text.trimEnd();
  const gap = text.slice(words.length);
  if (change === "removed") return [element("del", {}, words || text), words && gap];
  if (change === "added") return [element("ins", {}, words || text), words && gap];
  if (change === "left out") return element("span", { class: "left-out" }, text.trim().replace(/^\(|\)$/g, ""));
  return text;
}
