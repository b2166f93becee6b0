// What was typed and has not been acknowledged by the server, kept in this browser under its writer's id.
// Loaded on every page of somebody who has signed in: signing out asks before it is thrown away.

const unsent = {
  root: "kezen.unsent.",
  name: (user, place, page) => `${unsent.root}${user}.${place}.${page}`,

  // Storage may be full, or forbidden: typing goes on without it.
  write(name, entry) {
    try { localStorage.setItem(name, JSON.stringify(entry)); return true; } catch { return false; }
  },
  remove(name) {
    try { localStorage.removeItem(name); } catch { /* there was none */ }
  },
  // [name, entry] of one person, of one place ("number/stage") or of all.
  of(user, place = null) {
    const begin = place === null ? `${unsent.root}${user}.` : `${unsent.root}${user}.${place}.`;
    const found = [];
    try {
      for (let number = 0; number < localStorage.length; number += 1) {
        const name = localStorage.key(number);
        if (!name.startsWith(begin)) continue;
        try { found.push([name, JSON.parse(localStorage.getItem(name))]); } catch { /* not ours */ }
      }
    } catch { /* no storage */ }
    return found;
  },

  body(batch, user, token) {
    const body = new FormData();
    for (const [name, texts] of Object.entries(batch.fields)) for (const text of texts) body.append(name, text);
    const own = { key: batch.key, revision: batch.revision, unsure: (batch.unsure || []).join(" "), user, csrf_token: token };
    for (const [name, text] of Object.entries(own)) body.set(name, text);
    return body;
  },
};

const leaving = document.querySelector("form[action='/logout'][data-user]");
if (leaving) {
  const user = leaving.dataset.user;
  const token = leaving.querySelector("[name=csrf_token]").value;

  // A form was sent and another page has come: the server is asked whether it holds what was sent.  Its mark
  // tells; if it never arrived, it is kept now.  Where a choice is to be made, the page of the stage asks.
  for (const [name, entry] of unsent.of(user)) {
    if (!entry.submitted || document.querySelector(`form[data-autosave="${entry.address}"]`)) continue;
    const headers = { Accept: "application/json" };
    fetch(entry.address, { method: "POST", body: unsent.body(entry.submitted, user, token), headers, redirect: "manual" })
      .then(async (answer) => { if (answer.ok && !(await answer.json()).conflicts.length) unsent.remove(name); })
      .catch(() => {});
  }

  leaving.addEventListener("submit", (event) => {
    const left = unsent.of(user);
    const isTyped = left.some(([, entry]) => entry.batches.length || (entry.held || []).length || Object.keys(entry.changed).length);
    if (!isTyped || leaving.dataset.confirmed) {
      for (const [name] of left) unsent.remove(name);
      return;
    }
    event.preventDefault();
    const dialog = document.getElementById("confirm").content.querySelector("dialog").cloneNode(true);
    dialog.querySelector(".dialog__title").textContent = leaving.dataset.unsent;
    dialog.querySelector("[value=yes]").onclick = () => {
      dialog.close();
      leaving.dataset.confirmed = "yes";
      window.dispatchEvent(new Event("unsent:discard"));
      leaving.requestSubmit();
    };
    dialog.querySelector("[value=no]").onclick = () => dialog.close();
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  });
}
