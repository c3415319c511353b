// Elements from values. Texts become text nodes, whatever they hold: nothing here, or anywhere else, parses markup.

const SVG = "http://www.w3.org/2000/svg";

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** Make an element; `onclick` and its like are listeners, all other attributes are set as they are. */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** Make an element of a drawing. */
export function drawn(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

/** Say something to a screen reader; what is on the screen says it too. */
export function speak(text) {
  document.getElementById("spoken").textContent = text;
}

/** Put one thing in the place of another, and keep the focus if it was on something that has the same id. */
export function refill(place, ...children) {
  keepFocus(place, () => place.replaceChildren(...children.flat(Infinity).filter(Boolean)));
}

/** Do what takes elements out of a place and puts them, or others with the same ids, back. */
export function keepFocus(place, work) {
  const focused = place.contains(document.activeElement) ? document.activeElement.id : "";
  work();
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

/** Make a button that asks for more once, and says why if that fails. */
export function moreButton(text, work) {
  const button = element("button", { type: "button", class: "more" }, text);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await work();
    } catch (error) {
      button.disabled = false;
      button.textContent = `${error.message} Try again`;
    }
  });
  return button;
}
