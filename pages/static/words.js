// How values are said. What was not measured is said to be so; it is never shown as nothing.

const NUMBER = new Intl.NumberFormat("en");
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const EXACT = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "medium" });

export const NOT_REPORTED = "not reported";

const STOPPED = {
  converged: "Converged",
  cycle: "Went in a circle",
  guard: "Stopped by a guard",
  critic_satisfied: "The critic was satisfied",
  max_iterations: "Ended at the maximum",
  budget: "Reached its budget",
  cancelled: "Stopped by its caller",
  error: "Ended by an error",
};

const NAMES = {
  query: () => "Question",
  draft: () => "Draft",
  critique: (step) => `Critique ${step.iteration}`,
  revision: (step) => `Revision ${step.iteration}`,
  pick: () => "Pick",
  workflow: () => "Loop",
  alternative: (step) => `Kept beside ${step.of ?? "step"} ${step.iteration}`,
};

export function number(value) {
  return NUMBER.format(value);
}

export function counted(value, one, several = `${one}s`) {
  return `${number(value)} ${value === 1 ? one : several}`;
}

export function stopped(reason) {
  return STOPPED[reason] ?? reason;
}

export function stepName(step) {
  return (NAMES[step.kind] ?? (() => step.kind))(step);
}

/** Give the number of the version that a step wrote, or null. */
export function versionOf(step) {
  if (step.kind === "draft") return 0;
  return step.kind === "revision" ? step.iteration : null;
}

export function versionName(version) {
  return version === 0 ? "draft" : `version ${number(version)}`;
}

/** Say a moment in few words: the time today, else the day. */
export function moment(at) {
  const when = new Date(at);
  const today = when.toDateString() === new Date().toDateString();
  return today ? TIME.format(when) : DAY.format(when);
}

export function exactly(at) {
  return EXACT.format(new Date(at));
}

export function seconds(milliseconds) {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const whole = milliseconds / 1000;
  return whole < 100 ? `${whole.toFixed(1)} s` : `${Math.floor(whole / 60)} min ${Math.round(whole % 60)} s`;
}

/** Say a similarity so that what is not equal never reads as 1. */
export function similarity(value) {
  const rounded = value.toFixed(3);
  return rounded === "1.000" && value < 1 ? "0.999+" : rounded;
}

/** Say what a call of models used: tokens in and out, or that its provider told none. */
export function tokens(account) {
  const reported = (account.input_tokens ?? 0) + (account.output_tokens ?? 0) > 0;
  if (!reported) return `tokens ${NOT_REPORTED}`;
  return `${number(account.input_tokens ?? 0)} tokens in, ${number(account.output_tokens ?? 0)} out`;
}
