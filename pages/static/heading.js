// The head of a session: what it is called, since when there is it, whose it is, and where it came from and went.

import { sessionAddress } from "./address.js";
import { element } from "./elements.js";
import { counted, exactly, moment, number } from "./words.js";

/** Make it from a session's overview. */
export function heading(overview) {
  const { title, created_at: created, last_used: used, parent, forks, owner, pinned } = overview;
  const about = [
    element("span", {}, "opened ", element("time", { datetime: created, title: exactly(created) }, moment(created))),
    element("span", {}, "last used ", element("time", { datetime: used, title: exactly(used) }, moment(used))),
    element("code", { class: "id", title: "The session's id" }, overview.session_id),
  ];
  if (owner) about.push(element("span", {}, `shared by ${owner}`));
  else if (pinned) about.push(element("span", {}, "pinned"));
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
