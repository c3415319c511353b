// A session in numbers: how a question's loop ended and which version is its answer, and what models used. Only what was
// measured is shown; the rest is said not to be.

import { element } from "./elements.js";
import { counted, NOT_REPORTED, number, seconds, similarity, stopped, versionName } from "./words.js";

const MOST_SCORES = 6;
const DONE = ["converged", "critic_satisfied"];
const SOURCES = { default: "the default", set: "set", file: "the companion's file", setting: "a setting", learned: "learned" };

/** Say how a question stands or ended; `newest` is whether it is the companion's newest. */
export function outcome(body, values, newest) {
  const ended = body.stop_reason;
  const head = ended ? stopped(ended) : newest ? `Next: ${values.phase ?? "draft"}` : "Left open";
  const told = [element("h2", { id: "outcome" }, head)];
  if (body.why) told.push(element("p", {}, body.why));
  const facts = [["Iterations", number(body.iterations)]];
  if (body.answer_version !== null) facts.push(["Answer", `${versionName(body.answer_version)}${body.picked ? ", picked" : ", not picked"}`]);
  if (body.threshold !== null) facts.push(["Threshold", `${similarity(body.threshold)} (${SOURCES[body.threshold_source] ?? body.threshold_source})`]);
  if (body.scores) {
    const newest = body.scores.slice(-MOST_SCORES).map(({ version, score }) => `${versionName(version)}: ${score}`);
    facts.push([body.scores.length > MOST_SCORES ? "Newest scores" : "Scores", newest.join(", ")]);
  }
  told.push(list(facts));
  if (body.pick) told.push(element("p", { class: "soft" }, body.pick));
  return element("div", { class: `outcome ${ended ? (DONE.includes(ended) ? "done" : "ended") : "open"}` }, told);
}

/** Tell what the whole session used. */
export function figures(overview) {
  const { spent, models, workflows, companions } = overview;
  const parts = [
    element("h2", {}, "What models used"),
    spent.calls === 0
      ? element("p", {}, "No model of the server was asked: its callers or the offline editor wrote every text.")
      : element("div", { class: "wide" }, accounts(models, spent)),
    element("h2", {}, "Companions"),
    element("div", { class: "wide" }, table(["Companion", "Phase", "Question", "Iterations", "Versions", "Ended"], Object.entries(companions).map(companionRow))),
  ];
  const loops = Object.entries(workflows.by_kind);
  if (loops.length) {
    parts.push(element("h2", {}, "Loops"), element("div", { class: "wide" }, table(["Kind", "Begun", "Ended", "Time"], loops.map(loopRow))));
  }
  return element("div", { class: "figures" }, parts);
}

function accounts(models, spent) {
  const rows = Object.entries(models).map(([model, each]) => accountRow(model, each, spent.currency));
  const names = Object.keys(models);
  if (names.length > 1) rows.push(accountRow("In all", spent, spent.currency));
  return table(["Model", "Calls", "Tokens in", "Cached", "Tokens out", "Reasoning", "Time", "First words", "Cost"], rows);
}

function accountRow(name, each, currency) {
  const count = (value) => (typeof value === "number" ? number(value) : value ?? NOT_REPORTED);
  const silent = each.calls_not_reported ? ` (${counted(each.calls_not_reported, "call")} ${NOT_REPORTED})` : "";
  const cost = typeof each.cost === "number" ? `${each.cost} ${currency}` : each.cost;
  const took = each.model_seconds ? seconds(1000 * each.model_seconds) : "not measured";
  const first = typeof each.first_token_seconds === "number" ? seconds(1000 * each.first_token_seconds) : each.first_token_seconds;
  const again = each.retries > 0 ? ` (${counted(each.retries, "retry", "retries")})` : "";
  const [read, cached, wrote, reasoned] = [each.input_tokens, each.cache_read_tokens, each.output_tokens, each.reasoning_tokens].map(count);
  return [name, `${number(each.calls)}${silent}${again}`, read, cached, wrote, reasoned, took, first, cost];
}

function companionRow([name, values]) {
  const asked = values.slot === undefined ? "none yet" : number(values.slot + 1);
  const ended = values.stop_reason ? stopped(values.stop_reason) : "not yet";
  return [name, values.phase, asked, number(values.iteration ?? 0), number(values.versions ?? 0), ended];
}

function loopRow([kind, each]) {
  const ended = Object.entries(each.ended ?? {}).map(([reason, count]) => `${stopped(reason).toLowerCase()} ${number(count)}`);
  return [kind, number(each.begun ?? 0), ended.join(", ") || "none", each.seconds ? seconds(1000 * each.seconds) : "not measured"];
}

export function list(facts) {
  return element("dl", { class: "facts" }, facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

export function table(heads, rows) {
  return element(
    "table",
    {},
    element("thead", {}, element("tr", {}, heads.map((head) => element("th", { scope: "col" }, head)))),
    element("tbody", {}, rows.map(([first, ...rest]) => element("tr", {}, element("th", { scope: "row" }, first), rest.map((cell) => element("td", {}, cell))))),
  );
}
