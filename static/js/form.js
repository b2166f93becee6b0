// Small improvements; every page works without them.

// A form with data-guard warns before what was typed is left behind, unless it is kept (autosave.js).
for (const form of document.querySelectorAll("form[data-guard]")) {
  let changed = false;
  form.addEventListener("input", () => { changed = true; });
  form.addEventListener("submit", () => { changed = false; });
  window.addEventListener("beforeunload", (event) => { if (changed && !form.hasAttribute("data-kept")) event.preventDefault(); });
}

// Where the tabs have no room, the one that is open is moved into sight.
for (const list of document.querySelectorAll(".tabs ul")) {
  const open = list.querySelector("[aria-current]");
  if (open) list.scrollLeft = open.offsetLeft - (list.clientWidth - open.offsetWidth) / 2;
}

// The words of a comment stand in a dialog instead of unfolding in the page.  The dialog stays inside
// the form, so that what was typed is sent with it.
for (const details of document.querySelectorAll("details[data-remark]")) {
  const body = details.querySelector(".remark__body");
  const summary = details.querySelector("summary");
  const close = body.querySelector("[data-close]");
  summary.addEventListener("click", (event) => {
    event.preventDefault();
    const dialog = document.createElement("dialog");
    dialog.className = "dialog";
    dialog.setAttribute("aria-label", summary.textContent.trim());
    details.after(dialog);
    dialog.append(body);
    close.hidden = false;
    dialog.addEventListener("close", () => {
      details.append(body);
      dialog.remove();
      summary.focus();
    });
    close.onclick = () => dialog.close();
    dialog.showModal();
    body.querySelector("textarea").focus();
  });
}

// The password may be looked at.
for (const button of document.querySelectorAll("[data-reveal]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const input = document.getElementById(button.dataset.reveal);
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!shown));
    const words = button.textContent;
    button.textContent = button.dataset.other;
    button.dataset.other = words;
  });
}

// The rules of a password, ticked while it is typed; the server judges.
const rules = {
  length: (text, line) => [...text].length >= line.dataset.shortest && [...text].length <= line.dataset.longest,
  digit: (text) => /\p{Nd}/u.test(text),
  case: (text) => /\p{Lu}/u.test(text) && /\p{Ll}/u.test(text),
  symbol: (text) => /[^\p{L}\p{N}\p{Z}\p{C}]/u.test(text),
};
for (const list of document.querySelectorAll("[data-rules-for]")) {
  const input = document.getElementById(list.dataset.rulesFor);
  input.addEventListener("input", () => {
    for (const line of list.querySelectorAll("[data-rule]")) {
      const rule = rules[line.dataset.rule];  // whose name it is, and what is common, the server alone knows
      if (rule) line.classList.toggle("is-met", rule(input.value.normalize("NFC"), line));
    }
  });
}

// An act that cannot be taken back is asked for once more.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-confirm]");
  if (!button || button.dataset.confirmed || button.getAttribute("aria-disabled") === "true") return;
  event.preventDefault();
  const dialog = document.getElementById("confirm").content.querySelector("dialog").cloneNode(true);
  dialog.querySelector(".dialog__title").textContent = button.dataset.confirm;
  dialog.querySelector("[value=yes]").onclick = () => {
    dialog.close();
    button.dataset.confirmed = "yes";
    button.click();
    delete button.dataset.confirmed;
  };
  dialog.querySelector("[value=no]").onclick = () => dialog.close();
  dialog.addEventListener("close", () => { dialog.remove(); button.focus(); });
  document.body.append(dialog);
  dialog.showModal();
});

// A panel hanging from the top bar closes on a click elsewhere and on Escape.
const panels = document.querySelectorAll("details[data-drop]");
document.addEventListener("click", (event) => {
  for (const panel of panels) if (!panel.contains(event.target)) panel.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const panel of panels) {
    if (!panel.open) continue;
    panel.open = false;
    panel.querySelector("summary").focus();
  }
});

// Faults of a page are what is read first, unless it leads to a place of its own.
const errors = document.querySelector(".errors");
if (!location.hash) errors?.focus();

// Fetching the page again shows what is still wrong, and sends nothing twice.
if (errors?.dataset.again) history.replaceState(null, "", errors.dataset.again);
