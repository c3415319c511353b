// What the part of the address behind `#` means, so that links, bookmarks and the back button work.
//
//     #/                                         the sessions
//     #/session/ID[/TYPE[/SLOT[/VIEW]]]          a session, its companion, its question, and how it is looked at
//     #/session/ID/TYPE/SLOT/changes/2/5         what changed from version 2 to version 5
//     #/learned[/TYPE]                           what was learned

export const VIEWS = ["steps", "changes", "figures"];

function whole(text) {
  return /^\d{1,9}$/.test(text ?? "") ? Number(text) : null;
}

/** Read the present address. */
export function here() {
  const parts = location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(plain);
  if (parts[0] === "learned") return { place: "learned", type: parts[1] ?? null };
  if (parts[0] !== "session" || !parts[1]) return { place: "sessions" };
  const [, id, type = null, slot, view] = parts;
  return {
    place: "session",
    id,
    type,
    slot: whole(slot),
    view: VIEWS.includes(view) ? view : "steps",
    before: whole(parts[5]),
    after: whole(parts[6]),
  };
}

function plain(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // A `%` that somebody typed.
  }
}

export function sessionAddress(id, type = null, slot = null, view = null, before = null, after = null) {
  const parts = ["session", id];
  for (const part of [type, slot, view, before, after]) {
    if (part === null) break;
    parts.push(part);
  }
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

export function learnedAddress(type) {
  return `#/learned/${encodeURIComponent(type)}`;
}
