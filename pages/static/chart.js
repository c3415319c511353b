// How near each version was to the one before it, against the threshold: a drawing, and the same as a table.

import { drawn, element } from "./elements.js";
import { number, similarity } from "./words.js";

const WIDTH = 430;
const HEIGHT = 180;
const LEFT = 44;
const RIGHT = 14;
const TOP = 16;
const BOTTOM = 30;
const LEAST_SPAN = 0.02;
const MOST_DOTS = 60;

/**
 * Draw a convergence analysis.
 *
 * @param {object} body The analysis.
 * @param {(version: number) => string} address Where it is shown what a version changed.
 */
export function chart(body, address) {
  const points = body.similarities.map((pair) => ({ version: pair.revision_pair[1], value: pair.similarity, guard: pair.guard }));
  if (points.length === 0) return null;
  const scale = scaleOf(points, body.threshold);
  const caption = `Similarity of each version to the one before, versions ${number(points[0].version)} to ${number(points.at(-1).version)}`;
  const drawing = drawn(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "img", "aria-label": `${caption}. The table below has the values.` },
    grid(scale),
    threshold(body, scale),
    drawn("polyline", { class: "line", points: points.map((point) => `${scale.x(point.version)},${scale.y(point.value)}`).join(" ") }),
    dots(points, body, scale),
    versions(points, scale),
  );
  return element(
    "figure",
    { class: "convergence" },
    drawing,
    element("figcaption", {}, caption, body.threshold !== null && `; dashed, the threshold ${similarity(body.threshold)}`),
    element("details", {}, element("summary", {}, "Values"), table(points, address)),
  );
}

function scaleOf(points, threshold) {
  const values = [...points.map((point) => point.value), threshold ?? 1];
  const low = Math.max(0, Math.min(...values, 1 - LEAST_SPAN) - 0.08 * (1 - Math.min(...values)));
  const first = points[0].version;
  const last = Math.max(points.at(-1).version, first + 1);
  const pad = 18;
  return {
    low,
    x: (version) => round(LEFT + pad + ((version - first) / (last - first)) * (WIDTH - LEFT - RIGHT - 2 * pad)),
    y: (value) => round(TOP + ((1 - value) / (1 - low)) * (HEIGHT - TOP - BOTTOM)),
  };
}

const round = (value) => Math.round(value * 10) / 10;

function grid(scale) {
  const step = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25].find((each) => (1 - scale.low) / each <= 4.5) ?? 0.25;
  const lines = [];
  for (let value = 1; value >= scale.low - 1e-9; value -= step) {
    const y = scale.y(value);
    lines.push(drawn("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y }));
    lines.push(drawn("text", { class: "tick", x: LEFT - 8, y: y + 4, "text-anchor": "end" }, value.toFixed(step < 0.01 ? 3 : 2)));
  }
  return lines;
}

function threshold(body, scale) {
  if (body.threshold === null) return null;
  const y = scale.y(body.threshold);
  return drawn("line", { class: "threshold", x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y });
}

function dots(points, body, scale) {
  if (points.length > MOST_DOTS) return null;
  return points.map((point) => {
    const kind = point.guard ? "guarded" : point.version === body.answer_version ? "answer" : "";
    const said = `Version ${point.version}: ${similarity(point.value)}${point.guard ? `, not taken (${point.guard})` : ""}`;
    return drawn("circle", { class: `dot ${kind}`, cx: scale.x(point.version), cy: scale.y(point.value), r: kind === "answer" ? 5.5 : 4 }, drawn("title", {}, said));
  });
}

function versions(points, scale) {
  const every = Math.max(1, Math.ceil(points.length / 10));
  return points
    .filter((_, at) => at % every === 0 || at === points.length - 1)
    .map((point) => drawn("text", { class: "tick", x: scale.x(point.version), y: HEIGHT - 8, "text-anchor": "middle" }, String(point.version)));
}

function table(points, address) {
  const rows = points.map((point) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, element("a", { href: address(point.version) }, `Version ${number(point.version)}`)),
      element("td", {}, similarity(point.value)),
      element("td", {}, point.guard ? `not taken: ${point.guard}` : "taken"),
    ),
  );
  const heads = ["Version", "Similarity", "Guard"].map((text) => element("th", { scope: "col" }, text));
  return element("table", {}, element("thead", {}, element("tr", {}, heads)), element("tbody", {}, rows));
}
