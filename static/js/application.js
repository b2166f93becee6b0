// The pages of one application work without this; here they become handier.

// The next list of criteria comes when one is chosen, without pressing «Келесі».  Arrows and letters over a
// closed list only try its options: nothing is sent until Enter is pressed, or the button.
for (const list of document.querySelectorAll("select[data-chain]")) {
  let isTrying = false;
  list.addEventListener("keydown", (event) => { isTrying = !["Enter", " "].includes(event.key); });
  list.addEventListener("pointerdown", () => { isTrying = false; });
  list.addEventListener("change", () => {
    if (isTrying) return;
    const chain = document.createElement("input");
    chain.type = "hidden";
    chain.name = "chain";
    chain.value = list.dataset.chain;
    list.form.append(chain);
    list.form.requestSubmit();
  });
}

// A part of the page becomes a window that its button opens.
for (const button of document.querySelectorAll("button[data-dialog]")) {
  const part = document.getElementById(button.dataset.dialog);
  const dialog = document.createElement("dialog");
  dialog.className = "dialog dialog--wide";
  dialog.setAttribute("aria-label", part.getAttribute("aria-label"));
  part.before(dialog);
  dialog.append(part);
  button.hidden = false;
  button.addEventListener("click", () => dialog.showModal());
  dialog.addEventListener("close", () => button.focus());
  for (const close of part.querySelectorAll("[data-close]")) {
    close.hidden = false;
    close.addEventListener("click", () => dialog.close());
  }
}

// Ways of signing as tabs: one is shown, arrows go between them.
for (const list of document.querySelectorAll("[role=tablist][hidden]")) {
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const panel = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
  const choose = (chosen) => {
    for (const tab of tabs) {
      const isChosen = tab === chosen;
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      panel(tab).hidden = !isChosen;
    }
  };
  for (const tab of tabs) {
    panel(tab).setAttribute("role", "tabpanel");
    panel(tab).setAttribute("aria-labelledby", tab.id);
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
      choose(next);
      next.focus();
    });
  }
  list.hidden = false;
  choose(tabs[0]);
}
