// Making what is shown say what was made anew. Whatever says it already stays the very element it is, and with it the
// focus, what is selected, typed or open, and where it was scrolled to.

/**
 * Make one element, and what is in it, like another.
 *
 * @param {Node} shown What is on the page. A listener on it stays as well: it must not hold on to what may change.
 * @param {Node} made What it is to be like; it is used up. What is in an element with `data-own` is that element's own.
 */
export function settle(shown, made) {
  if (shown.isEqualNode(made)) return;
  if (shown.nodeName !== made.nodeName || shown.id !== made.id) shown.replaceWith(made);
  else if (shown.nodeType === Node.TEXT_NODE) shown.data = made.data;
  else {
    settleAttributes(shown, made);
    if (!("own" in made.dataset)) settleChildren(shown, made);
  }
}

function settleAttributes(shown, made) {
  for (const name of shown.getAttributeNames()) {
    if (name !== "open" && !made.hasAttribute(name)) shown.removeAttribute(name);
  }
  for (const name of made.getAttributeNames()) {
    if (shown.getAttribute(name) !== made.getAttribute(name)) shown.setAttribute(name, made.getAttribute(name));
  }
}

function settleChildren(shown, made) {
  const wanted = [...made.childNodes];
  for (const [at, child] of [...shown.childNodes].entries()) {
    if (wanted[at]) settle(child, wanted[at]);
    else child.remove();
  }
  shown.append(...wanted.slice(shown.childNodes.length));
}
