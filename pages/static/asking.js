// Requests for data, and the token that they carry. The token stands in this tab's memory alone: never in an address
// that is sent, never in a cookie, and gone with the tab.

const KEY = "companions-token";
let token = "";

export class Refused extends Error {
  constructor(status, code, message, seconds) {
    super(message);
    this.status = status;
    this.code = code;
    this.seconds = seconds;
  }
}

/** Take the token that `companions inspect` put behind the `#`, and clear it away there. */
export function takeToken() {
  const given = /^#token=([\w-]+)$/.exec(location.hash);
  try {
    if (given) sessionStorage.setItem(KEY, given[1]);
    token = sessionStorage.getItem(KEY) ?? "";
  } catch {
    token = given ? given[1] : ""; // Storage is forbidden: it lasts until the page is loaded again.
  }
  if (given) history.replaceState(null, "", "#/");
}

export function useToken(given) {
  token = given.trim();
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // See above.
  }
}

/**
 * Ask for data.
 *
 * @param {string[]} path The parts of the address behind `data/`; each may be any text.
 * @param {object} query What stands behind the `?`; what is null is left out.
 */
export async function ask(path, query = {}, signal = undefined) {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const address = `data/${path.map(encodeURIComponent).join("/")}${given.length ? `?${new URLSearchParams(given)}` : ""}`;
  let answer;
  try {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    answer = await fetch(address, { headers, signal, cache: "no-store", credentials: "omit" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "unreachable", "The server does not answer.", 2);
  }
  if (answer.ok) return answer.json();
  const told = await answer.json().catch(() => ({}));
  // Limits in front of the page answer in the words of the protocol, whose errors have a message.
  const what = told.error?.what ?? told.error?.message ?? `The server refused (${answer.status}).`;
  throw new Refused(answer.status, told.error?.code ?? "refused", what, Number(answer.headers.get("Retry-After") ?? 2));
}
