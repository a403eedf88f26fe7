"use strict";
(() => {
  // Over plain http, as in a household, there is no navigator.clipboard; execCommand still works.
  const copy = async (source) => {
    if (navigator.clipboard) {
      await navigator.clipboard.writeText(source.textContent.trim());
      return;
    }
    getSelection().selectAllChildren(source);
    document.execCommand("copy");
  };
  for (const button of document.querySelectorAll("[data-copy]")) {
    const text = button.textContent;
    const source = document.getElementById(button.dataset.copy);
    button.hidden = false;
    button.setAttribute("aria-label", `${text} ${source.textContent.trim().slice(0, 60)}`);
    button.addEventListener("click", async () => {
      await copy(source);
      button.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = text; }, 2000);
    });
  }
})();
