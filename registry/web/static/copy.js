"use strict";
(() => {
  // On a household's plain http a page may not use the clipboard; the old way still works there.
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
