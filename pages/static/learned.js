// What was learned of companion types: how far their loops go, which threshold they follow, what their steps take.

import { learnedAddress } from "./address.js";
import { ask } from "./asking.js";
import { element, refill } from "./elements.js";
import { list, table } from "./figures.js";
import { counted, number, seconds, similarity } from "./words.js";

/** Show the companion types, and of one of them what was learned. */
export async function showLearned(main, type) {
  const { companions } = await ask(["companions"]);
  const chosen = type ?? (companions.some((each) => each.name === "generic") ? "generic" : companions[0]?.name);
  if (!chosen) return refill(main, element("p", { class: "soft" }, "There are no companion types."));
  const body = await ask(["patterns", chosen]);
  const links = companions.map((each) =>
    element("a", { href: learnedAddress(each.name), "aria-current": each.name === chosen && "page" }, each.name),
  );
  const described = companions.find((each) => each.name === chosen)?.description;
  refill(
    main,
    element("header", { class: "session" }, element("h1", {}, `What was learned: ${chosen}`), described && element("p", { class: "about" }, described)),
    element("nav", { class: "companions", "aria-label": "Companion types" }, links),
    element("p", { class: "lead" }, body.summary),
    reading("All models", body.in_all),
    body.models.length > 1 ? body.models.map((each) => reading(each.model, each)) : null,
    element("p", { class: "soft" }, "Learned from the loops of everyone on this store. It holds no text and no session."),
  );
}

function reading(name, told) {
  const parts = [element("h2", {}, name), element("p", { class: "soft" }, `${counted(told.samples, "loop")}.`)];
  const facts = [];
  if (told.typical_iterations) facts.push(["Typical", `${counted(told.typical_iterations.iterations, "iteration")} (probability ${told.typical_iterations.probability})`]);
  const threshold = told.learned_threshold;
  if (threshold) {
    const known = threshold.similarity !== undefined;
    facts.push(["Learned threshold", known ? `${similarity(threshold.similarity)}, from ${counted(threshold.samples, "loop")}` : `none yet: ${number(threshold.samples)} of ${number(threshold.needed)} loops`]);
  }
  if (told.picks.made) facts.push(["Picks", `${number(told.picks.made)}, of which ${number(told.picks.helped)} took a revision`]);
  if (told.verdicts.judged) facts.push(["Verdicts judged", `${number(told.verdicts.judged)}: later made better ${number(told.verdicts.better)}, worse ${number(told.verdicts.worse)}`]);
  if (facts.length) parts.push(list(facts));
  if (told.endings.length) parts.push(element("div", { class: "wide" }, endings(told.endings)));
  const steps = Object.entries(told.steps).filter(([, each]) => each.seconds !== undefined || each.tokens !== undefined);
  if (steps.length) parts.push(element("div", { class: "wide" }, table(["Step", "Time in the mean", "Tokens in the mean"], steps.map(effort))));
  return element("section", { class: "reading" }, parts);
}

function endings(rows) {
  return table(["Revisions", "Loops that came there", "Ended there"], rows.map((row) => [number(row.revisions), number(row.reached), number(row.ended)]));
}

function effort([phase, each]) {
  const said = (value, samples, words) => (value === undefined ? "not reported" : `${words(value)} (${counted(samples, "step")})`);
  return [phase, said(each.seconds, each.seconds_samples, (value) => seconds(1000 * value)), said(each.tokens, each.tokens_samples, number)];
}
