// One step of a session: what it is in a line, and its text when somebody opens it, a page at a time.

import { ask } from "./asking.js";
import { element, moreButton } from "./elements.js";
import { counted, exactly, moment, number, seconds, similarity, stepName, stopped, tokens, versionName, versionOf } from "./words.js";

const GUARDED = { guard: "not taken", overruled: "taken although" };

/**
 * Make the item of a step.
 *
 * @param {object} step A line of the timeline.
 * @param {object} around `path` of its entry, whether it is the `answer`, whether it was `replaced` later, and the
 *     address that `compare`s it with the version before.
 */
export function stepItem(step, around) {
  const id = `step-${step.seq}`;
  const body = element("div", { class: "opened", id: `${id}-text`, hidden: true });
  const button = element("button", { type: "button", class: "opener", id, "aria-expanded": "false", "aria-controls": `${id}-text` },
    element("span", { class: "kind" }, stepName(step)),
    badges(step, around),
    element("span", { class: "preview" }, step.preview),
  );
  button.addEventListener("click", () => toggle(button, body, step, around));
  const classes = ["step", `of-${step.kind}`, step.guard && "guarded", around.replaced && "replaced", around.answer && "answer"];
  return element("li", { class: classes.filter(Boolean).join(" ") }, element("div", { class: "line" }, button, measured(step, around)), body);
}

function badges(step, around) {
  const said = [];
  const version = versionOf(step);
  if (around.answer) said.push(["good", "the answer"]);
  if (step.guard) said.push(["bad", `${GUARDED.guard}: ${step.guard}`]);
  if (step.overruled) said.push(["bad", `${GUARDED.overruled} ${step.overruled}`]);
  if (step.satisfied) said.push(["good", "nothing left to improve"]);
  if (step.evidence) said.push(["plain", "with evidence"]);
  if (around.replaced) said.push(["plain", "written again later"]);
  if (step.attempt) said.push(["plain", `attempt ${number(step.attempt)}`]);
  if (step.stop_reason && step.kind !== "workflow") said.push(["plain", stopped(step.stop_reason).toLowerCase()]);
  if (step.kind === "pick" && step.version !== undefined) said.push(["good", versionName(step.version)]);
  return element("span", { class: "badges" }, version !== null && step.kind === "draft" ? element("span", { class: "badge plain" }, "version 0") : null, said.map(([look, text]) => element("span", { class: `badge ${look}` }, text)));
}

/** Say what was measured of a step, and nothing of what was not. */
function measured(step, around) {
  const said = [];
  if (step.similarity !== undefined) said.push(element("span", { title: "How similar it is to the version before" }, `similarity ${similarity(step.similarity)}`));
  if (around.compare) said.push(element("a", { href: around.compare }, "what changed", element("span", { class: "unseen" }, ` in ${stepName(step)}`)));
  if (!["pick", "workflow"].includes(step.kind)) said.push(counted(step.words, "word"));
  if (step.attachments) said.push(`attached: ${step.attachments}`);
  if (step.account) said.push(tokens(step.account));
  if (step.account?.milliseconds) said.push(seconds(step.account.milliseconds));
  if (step.model) said.push(element("span", { class: "model" }, step.model));
  said.push(element("time", { datetime: step.at, title: exactly(step.at) }, moment(step.at)));
  return element("p", { class: "measured" }, said.map((each) => (typeof each === "string" ? element("span", {}, each) : each)));
}

async function toggle(button, body, step, around) {
  const open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  body.hidden = open;
  if (open || body.childElementCount) return;
  body.append(element("p", { class: "soft" }, "Reading …"));
  try {
    const told = await ask(around.path);
    body.replaceChildren(...opened(told, step, around));
  } catch (error) {
    body.replaceChildren(element("p", { class: "fault" }, error.message));
    button.setAttribute("aria-expanded", "false");
  }
}

function opened(told, step, around) {
  const parts = [];
  if (told.evidence) parts.push(element("h3", {}, "Evidence"), paged(told.evidence, null, () => ask(around.path, { text: "evidence" }), "evidence", around), element("h3", {}, stepName(step)));
  parts.push(paged(told.text, told.more, null, "text", around));
  const beside = [
    ["Why", told.why],
    ["Why it was not taken", told.guard_why],
    ["Why it was taken all the same", told.overruled_why],
    ["Score", told.score === undefined ? undefined : String(told.score)],
    ["Fails", told.checks?.map((check) => check.why ?? check.check).join("; ")],
    ["Verdict without", told.unmet?.map((check) => check.check ?? check).join("; ")],
    ["Critics", told.critics?.map(critic).join("; ")],
    ["Returns to", told.back_to === undefined ? undefined : versionName(told.back_to)],
    ["Written by", told.sampling?.execution_mode && { client: "the caller", server: "a model", offline: "the offline editor" }[told.sampling.execution_mode]],
  ].filter(([, value]) => value);
  if (beside.length) parts.push(element("dl", { class: "beside" }, beside.map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])));
  return parts;
}

function critic(each) {
  const state = each.failed ? "failed" : each.satisfied ? "satisfied" : "not satisfied";
  return `${each.name} (${state}${each.model ? `, ${each.model}` : ""})`;
}

/** Show a text, and behind its first page a button for the next; of evidence only the beginning is known at first. */
function paged(text, more, whole, kind, around) {
  const shown = element("div", { class: "text", tabindex: "-1" }, text);
  const place = element("div", {}, shown);
  const offer = (offset) => {
    if (offset === null) return;
    const button = moreButton("More of this text", async () => {
      const told = await ask(around.path, { text: kind, offset });
      shown.append(told[kind]);
      button.remove();
      offer(told.more);
    });
    place.append(button);
  };
  if (whole) {
    whole().then((told) => {
      shown.textContent = told.evidence;
      offer(told.more);
    }, () => {});
  } else offer(more);
  return place;
}
