// One step of a session: what it is in a line, and its text when somebody opens it, a page at a time.

import { ask } from "./asking.js";
import { element, moreButton } from "./elements.js";
import { settle } from "./settling.js";
import { counted, exactly, moment, number, seconds, similarity, stepName, stopped, tokens, versionName, versionOf } from "./words.js";

const GUARDED = { guard: "not taken", overruled: "taken although" };

/**
 * Make the item of a step.
 *
 * @param {object} step A line of the timeline.
 * @param {string[]} path Where its entry is read.
 * @param {string | null} compare The address that compares it with the version before.
 */
export function stepItem(step, path, compare) {
  const id = `step-${step.seq}`;
  const body = element("div", { class: "opened", id: `${id}-text`, hidden: true });
  const button = element("button", { type: "button", class: "opener", id, "aria-expanded": "false", "aria-controls": `${id}-text` },
    element("span", { class: "kind" }, stepName(step)),
    element("span", { class: "badges" }),
    element("span", { class: "preview" }, step.preview),
  );
  let asked = null;
  button.addEventListener("click", () => {
    body.hidden = !body.hidden;
    button.setAttribute("aria-expanded", String(!body.hidden));
    if (!body.hidden) asked ??= read(body, step, path).then((known) => (asked = known || null));
  });
  return element("li", {}, element("div", { class: "line" }, button, measured(step, compare)), body);
}

/** Mark a step's item with what may change: whether it is the `answer`, and whether it was `replaced` later. */
export function markStep(item, step, marks) {
  const classes = ["step", `of-${step.kind}`, step.guard && "guarded", marks.replaced && "replaced", marks.answer && "answer"];
  item.className = classes.filter(Boolean).join(" ");
  settle(item.querySelector(".badges"), badges(step, marks));
}

function badges(step, marks) {
  const said = [];
  const version = versionOf(step);
  if (marks.answer) said.push(["good", "the answer"]);
  if (step.guard) said.push(["bad", `${GUARDED.guard}: ${step.guard}`]);
  if (step.overruled) said.push(["bad", `${GUARDED.overruled} ${step.overruled}`]);
  if (step.satisfied) said.push(["good", "nothing left to improve"]);
  if (step.evidence) said.push(["plain", "with evidence"]);
  if (step.looked_up) said.push(["plain", `looked up: ${step.looked_up}`]);
  if (marks.replaced) said.push(["plain", "written again later"]);
  if (step.attempt) said.push(["plain", `attempt ${number(step.attempt)}`]);
  if (step.stop_reason && step.kind !== "workflow") said.push(["plain", stopped(step.stop_reason).toLowerCase()]);
  if (step.kind === "pick" && step.version !== undefined) said.push(["good", versionName(step.version)]);
  return element("span", { class: "badges" }, version !== null && step.kind === "draft" ? element("span", { class: "badge plain" }, "version 0") : null, said.map(([look, text]) => element("span", { class: `badge ${look}` }, text)));
}

/** Say what was measured of a step, and nothing of what was not. */
function measured(step, compare) {
  const said = [];
  if (step.similarity !== undefined) said.push(element("span", { title: "How similar it is to the version before" }, `similarity ${similarity(step.similarity)}`));
  if (compare) said.push(element("a", { href: compare }, "what changed", element("span", { class: "unseen" }, ` in ${stepName(step)}`)));
  if (!["pick", "workflow"].includes(step.kind)) said.push(counted(step.words, "word"));
  if (step.attachments) said.push(`attached: ${step.attachments}`);
  if (step.account) said.push(tokens(step.account));
  if (step.account?.milliseconds) said.push(seconds(step.account.milliseconds));
  if (step.account?.first_token_milliseconds_told === 1) said.push(`first words after ${seconds(step.account.first_token_milliseconds ?? 0)}`);
  if (step.account?.retries) said.push(counted(step.account.retries, "retry", "retries"));
  if (step.cost !== undefined) said.push(`${step.cost} ${step.currency}`);
  if (step.model) said.push(element("span", { class: "model" }, step.model));
  if (step.author) said.push(element("span", { class: "author" }, `for ${step.author}`));
  said.push(element("time", { datetime: step.at, title: exactly(step.at) }, moment(step.at)));
  return element("p", { class: "measured" }, said.map((each) => (typeof each === "string" ? element("span", {}, each) : each)));
}

/** Read a step's text; tells whether that worked. Where not, it says why, and can be asked to try again. */
async function read(body, step, path) {
  body.replaceChildren(element("p", { class: "soft" }, "Reading …"));
  try {
    body.replaceChildren(...opened(await ask(path), step, path));
    return true;
  } catch (error) {
    const again = moreButton("Try again", async () => body.replaceChildren(...opened(await ask(path), step, path)));
    body.replaceChildren(element("p", { class: "fault" }, error.message), again);
    return false;
  }
}

function opened(told, step, path) {
  const parts = [];
  if (told.evidence) parts.push(element("h3", {}, "Evidence"), evidence(told.evidence, path), element("h3", {}, stepName(step)));
  for (const call of told.calls ?? []) parts.push(...lookedUp(call));
  if (told.calls) parts.push(element("h3", {}, stepName(step)));
  parts.push(paged(told.text, told.more, "text", path));
  const beside = [
    ["Why", told.why],
    ["Why it was not taken", told.guard_why],
    ["Why it was taken all the same", told.overruled_why],
    ["Score", told.score === undefined ? undefined : String(told.score)],
    ["Fails", told.checks?.map((check) => check.why ?? check.check).join("; ")],
    ["Verdict without", told.unmet?.map((check) => check.check ?? check).join("; ")],
    ["Critics", told.critics?.map(critic).join("; ")],
    ["Without tools", told.without_tools],
    ["Returns to", told.back_to === undefined ? undefined : versionName(told.back_to)],
    ["Asked for by", told.author],
    ["Written by", told.sampling?.execution_mode && { client: "the caller", server: "a model", offline: "the offline editor" }[told.sampling.execution_mode]],
  ].filter(([, value]) => value);
  if (beside.length) parts.push(element("dl", { class: "beside" }, beside.map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])));
  return parts;
}

function critic(each) {
  const state = each.failed ? "failed" : each.satisfied ? "satisfied" : "not satisfied";
  return `${each.name} (${state}${each.model ? `, ${each.model}` : ""})`;
}

/** Show one call of a tool: whose, what it said, and what came of it. */
function lookedUp(call) {
  const rest = call.left_out ? `\n[${number(call.left_out)} further characters were not kept]` : "";
  const said = `${call.failed ? "Looked up in vain" : "Looked up"}${call.critic ? ` by ${call.critic}` : ""}: ${call.name} ${call.arguments}`;
  return [element("h3", {}, said), element("div", { class: "text" }, `${call.result}${rest}`)];
}

/** Show a text, and behind its first page a button for the next. */
function paged(text, more, kind, path) {
  const shown = element("div", { class: "text", tabindex: "-1" }, text);
  const place = element("div", {}, shown);
  const offer = (offset) => {
    if (offset === null) return;
    const button = moreButton("More of this text", async () => {
      const told = await ask(path, { text: kind, offset });
      shown.append(told[kind]);
      button.remove();
      offer(told.more);
    });
    place.append(button);
  };
  offer(more);
  return place;
}

/** Show the beginning of evidence, and then its first page, or why that cannot be read. */
function evidence(beginning, path) {
  const place = element("div", {}, paged(beginning, null, "evidence", path));
  const whole = async () => {
    const told = await ask(path, { text: "evidence" });
    place.replaceChildren(paged(told.evidence, told.more, "evidence", path));
  };
  whole().catch((error) => place.append(moreButton(`Only its beginning is shown. ${error.message} Try again`, whole)));
  return place;
}
