// Questions that depend on other answers come and go while one answers.  The server says which: the page is
// drawn again with what was typed, nothing is stored, and only what differs is changed here.

const KEYED = ["data-field", "data-rows", "data-row", "data-section", "data-cell"];
const key = (element) => {
  const name = KEYED.find((one) => element.hasAttribute(one));
  return name && `[${name}="${CSS.escape(element.getAttribute(name))}"]`;
};

// Put a new element where it stands in the fresh form: after the same neighbour, in the same part.
function place(fresh, form) {
  const parent = fresh.parentElement.closest(KEYED.map((name) => `[${name}]`).join(",") + ",[data-form],form");
  const own = parent.matches("form") ? form : form.querySelector(key(parent) || `[data-form="${CSS.escape(parent.dataset.form)}"]`);
  if (!own) return;
  const copy = document.importNode(fresh, true);
  let before = fresh.previousElementSibling;
  while (before && !(key(before) && form.querySelector(key(before)))) {
    if (!key(before)) break;
    before = before.previousElementSibling;
  }
  if (before && key(before)) {
    form.querySelector(key(before)).after(copy);
  } else {
    // What leads a part (its title, its note) is the same in both.
    const lead = before ? [...fresh.parentElement.children].indexOf(before) : -1;
    const home = fresh.parentElement === parent ? own : own.querySelector(`.${CSS.escape(fresh.parentElement.classList[0])}`) || own;
    if (lead < 0) home.prepend(copy);
    else home.children[lead].after(copy);
  }
}

function fit(form, fresh) {
  let changed = false;
  for (const old of form.querySelectorAll("[data-field],[data-rows],[data-section]")) {
    if (!form.contains(old) || old.closest(".adder") || fresh.querySelector(key(old))) continue;
    old.remove();
    changed = true;
  }
  for (const block of fresh.querySelectorAll("[data-section],[data-rows],[data-field]")) {
    if (block.closest(".adder")) continue;
    const old = form.querySelector(key(block));
    if (!old) {
      place(block, form);
      form.querySelector(key(block))?.dispatchEvent(new CustomEvent("kezen:drawn", { bubbles: true }));
      changed = true;
      continue;
    }
    for (const part of [".field__main > .field__label", "output"]) {
      const [was, is] = [old.querySelector(part), block.querySelector(part)];
      if (was && is && was.innerHTML !== is.innerHTML) was.innerHTML = is.innerHTML;
    }
  }
  return changed;
}

for (const form of document.querySelectorAll("form[data-drives]")) {
  const drives = new Set(form.dataset.drives.split(" "));
  const button = form.querySelector("[data-redraw]");
  const status = form.querySelector("[data-live-status]");
  let asked = 0;
  button.hidden = true;
  form.addEventListener("change", async (event) => {
    const name = event.target.name || "";
    if (event.target.type === "file" || !name.split("-").some((part) => drives.has(part))) return;
    const turn = (asked += 1);
    const typed = new FormData(form);
    for (const [input, value] of [...typed]) if (value instanceof File) typed.delete(input);
    typed.set("redraw", "yes");
    try {
      const answer = await fetch(form.action, { method: "POST", body: typed, headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (turn !== asked) return; // another answer has come meanwhile; its page will say more
      status.textContent = "";
      if (fit(form, page.querySelector("form[data-drives]"))) status.textContent = status.dataset.words;
    } catch {
      button.hidden = false; // no answer: the button of the page without scripts still works
    }
  });
}
