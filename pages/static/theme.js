// Light or dark, as the system has it or as somebody chose here. No module: it runs before the page is painted, so that
// nobody sees the wrong one first.
"use strict";
(() => {
  const KEY = "companions-colours";
  const NEXT = { system: "light", light: "dark", dark: "system" };
  const SAID = { system: "as the system", light: "light", dark: "dark" };

  // A browser may forbid storage altogether; then the choice lasts as long as the page.
  function stored() {
    try {
      return localStorage.getItem(KEY) ?? "system";
    } catch {
      return "system";
    }
  }

  let chosen = stored() in NEXT ? stored() : "system";

  function apply() {
    if (chosen === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    const button = document.getElementById("theme");
    if (button) button.textContent = `Colours: ${SAID[chosen]}`;
  }

  apply();
  document.addEventListener("DOMContentLoaded", () => {
    apply();
    document.getElementById("theme").addEventListener("click", () => {
      chosen = NEXT[chosen];
      try {
        localStorage.setItem(KEY, chosen);
      } catch {
        // See above.
      }
      apply();
    });
  });
})();
