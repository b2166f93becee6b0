// The page of a stage saves by itself: two seconds after the last change, and on leaving.  What the server has
// not acknowledged stands in the browser's storage (unsent.js) and is sent again, under the mark it was first
// sent with, so that it counts once however often it arrives.  Without this file the buttons do all of it.

const QUIET = 2000;
const SOON = [2000, 4000, 8000, 15000, 30000];
const LATER = 60000;
const CRASHED = 10000;

const form = document.querySelector("form[data-autosave]");
const { autosave: address, user, app, stage, forms } = form.dataset;
const place = `${app}/${stage}`;
const here = location.pathname + location.search;
const mark = () => (crypto.randomUUID ? crypto.randomUUID() : `${Date.now()}-${Math.random().toString(36).slice(2)}`);
const page = mark();
const storage = unsent.name(user, place, page);
const line = document.querySelector("[data-keeping]");
const notices = document.querySelector("[data-notices]");
const word = (name) => document.getElementById("keeping-words").content.querySelector(`[data-word="${name}"]`).textContent;

let revision = Number(form.elements.revision.value);
let changed = {};           // name of an input -> texts, typed since the last batch
let batches = [];           // [{key, revision, fields}], first sent first; a sent one is never changed
let held = {};              // what is in dispute: path -> {name -> texts}
let bases = {};             // and the revision it was typed over: path -> revision
let marks = [];             // marks of own saves since the revision that the form would send
let labels = {};            // of inputs that were on an earlier page and may be gone: name -> label
let isSending = false;
let isAlone = false;        // nobody may save from here any more: the stage is closed, or another has signed in
let state = "ready";        // ready, offline, signed_out, stopped
let tries = 0;
let timer = 0;
let isSubmitted = false;

const isEmpty = (found) => Object.keys(found).length === 0;

// Fields and their inputs

const isTyped = (input) => input.name && !input.disabled && !["hidden", "file", "submit", "button"].includes(input.type)
  && !/^(remove|pick|restore)-/.test(input.name) && !("chain" in input.dataset) && !input.closest(".adder, .reuse");
const rowOf = (input) => input.closest("[data-field]");
const inputsOf = (path) => [...form.elements].filter((input) => isTyped(input) && rowOf(input)?.dataset.field === path);

function textsOf(path) {
  const texts = {};
  for (const input of inputsOf(path)) {
    if ((input.type === "radio" || input.type === "checkbox") && !input.checked) continue;
    texts[input.name] = [input.value.replaceAll("\0", "")];
  }
  return texts;
}

function put(texts) {
  const paths = new Set();
  for (const [name, [text]] of Object.entries(texts)) {
    for (const input of form.elements) {
      if (input.name !== name || !isTyped(input)) continue;
      if (input.type === "radio" || input.type === "checkbox") input.checked = input.value === text;
      else input.value = text;
      paths.add(rowOf(input)?.dataset.field);
    }
  }
  for (const path of paths) form.dispatchEvent(new CustomEvent("field:put", { detail: path }));
}

const labelOf = (name) => {
  const input = [...form.elements].find((one) => one.name === name);
  const row = input && rowOf(input);
  const label = row?.querySelector(".field__label")?.firstChild?.textContent.trim() || input?.labels?.[0]?.textContent.trim();
  return label?.replace(/\.$/, "") || labels[name] || name;
};

// What the browser keeps

function keep() {
  if (isEmpty(changed) && !batches.length && isEmpty(held)) { unsent.remove(storage); return; }
  const said = {};
  for (const texts of [changed, ...batches.map((batch) => batch.fields), ...Object.values(held)]) {
    for (const name of Object.keys(texts)) said[name] = labelOf(name);
  }
  const disputed = Object.entries(held).map(([path, fields]) => ({ revision: bases[path], fields }));
  const entry = { address, forms, at: Date.now(), revision, changed, batches, held: disputed, labels: said };
  if (!unsent.write(storage, entry)) say("no_storage", "warning");
}

// What is said

let said = "";
function say(name, kind = "", text = word(name)) {
  if (said === text) return;
  said = text;
  line.textContent = text;
  line.className = `keeping${kind ? ` keeping--${kind}` : ""}`;
  line.dataset.state = name;
}

function notice(name, kind, text, ...acts) {
  const old = notices.querySelector(`[data-notice="${name}"]`);
  const box = document.getElementById("keeping-notice").content.firstElementChild.cloneNode(true);
  box.dataset.notice = name;
  box.classList.add(`alert--${kind}`);
  box.querySelector("p").textContent = text;
  box.querySelector(".notice__body").append(...acts);
  box.dataset.said = box.textContent;
  if (old?.dataset.said === box.dataset.said) return old;
  old ? old.replaceWith(box) : notices.append(box);
  unfoldable(box);
  return box;
}
const forget = (name) => notices.querySelector(`[data-notice="${name}"]`)?.remove();

// On a small screen a notice says its first lines until it is asked for the rest (application.css).
function unfoldable(box) {
  const more = button("more", () => {
    const isOpen = box.classList.toggle("is-open");
    more.setAttribute("aria-expanded", String(isOpen));
  });
  more.classList.add("notice__more");
  more.setAttribute("aria-expanded", "false");
  box.querySelector(".notice__body").append(more);
  more.hidden = box.querySelector("p").scrollHeight <= box.querySelector("p").clientHeight + 1 && !box.querySelector("dl");
}

// What one goes to, or is in, is not hidden behind the notices at the bottom: that much room is left under it.
function room() {
  const isOver = getComputedStyle(notices).position === "sticky" && notices.childElementCount;
  const taken = isOver ? notices.offsetHeight + 24 : 0;
  document.documentElement.style.scrollPaddingBottom = taken ? `${taken}px` : "";
  return innerHeight - taken;
}
new ResizeObserver(() => {
  room();
  const input = document.activeElement;
  const at = input.getBoundingClientRect();
  if (form.contains(input) && isTyped(input) && at.top < innerHeight && at.bottom > 0) input.scrollIntoView({ block: "nearest" });
}).observe(notices);

function button(name, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button button--secondary button--small";
  made.textContent = word(name);
  made.addEventListener("click", act);
  return made;
}

function link(name, href, target = "") {
  const made = document.createElement("a");
  made.className = "button button--secondary button--small";
  made.href = href;
  made.textContent = word(name);
  if (target) { made.target = target; made.rel = "noopener"; }
  return made;
}

function stand(next) {
  state = next;
  const waits = [...form.querySelectorAll("input[type=file]")].some((input) => input.files.length) || form.querySelector("[name^='remove-']:checked");
  form.toggleAttribute("data-kept", state === "ready" && isEmpty(held) && !waits);
  if (state !== "offline") forget("offline");
  if (state !== "signed_out") forget("signed_out");
  buttons();
}

// Without a connection, a session or the right nothing can be sent: the buttons say so, and why.  They stay
// where the keyboard finds them; pressing one leads to the notice.
function buttons() {
  const reason = state === "ready" ? null : notices.querySelector(`[data-notice="${state}"] p`);
  if (reason) reason.id = `why-${state}`;
  for (const one of form.querySelectorAll("button[type=submit]:not([hidden])")) {
    if (state === "ready") {
      if (!one.hasAttribute("data-unavailable")) continue;
      for (const name of ["aria-disabled", "aria-describedby", "data-unavailable"]) one.removeAttribute(name);
      one.title = one.dataset.title || "";
      if (!one.title) one.removeAttribute("title");
      continue;
    }
    if (!one.hasAttribute("data-unavailable")) one.dataset.title = one.title;
    one.setAttribute("data-unavailable", "");
    one.setAttribute("aria-disabled", "true");
    one.title = word("unavailable");
    if (reason) one.setAttribute("aria-describedby", reason.id);
  }
}

// Sending

function schedule(wait = QUIET) {
  clearTimeout(timer);
  timer = setTimeout(flush, wait);
}

function batch() {
  if (isEmpty(changed)) return;
  batches.push({ key: mark(), revision, fields: changed, unsure: batches.map((one) => one.key) });
  changed = {};
}

async function flush() {
  if (isSending || isAlone || isSubmitted || state === "signed_out" || state === "stopped") return;
  if (!batches.length) batch();
  if (!batches.length) { if (state === "offline") takeUp(); return; }
  isSending = true;
  keep();
  const [first] = batches;
  try {
    const body = unsent.body(first, user, form.elements.csrf_token.value);
    const answer = await fetch(address, {
      method: "POST", body, headers: { Accept: "application/json" }, redirect: "manual", signal: AbortSignal.timeout?.(20000),
    });
    await answered(first, answer);
  } catch {
    failed();
  } finally {
    isSending = false;
  }
}

async function answered(sent, answer) {
  const told = (answer.headers.get("Content-Type") || "").includes("json") ? await answer.json() : {};
  if (answer.ok && "revision" in told) { acknowledged(sent, told); return; }
  if (answer.status === 401) { signedOut(); return; }
  if (told.error === "stale") { await takeUp(); return; }
  if (told.error === "other_user") { stranger(told.said); return; }
  if (told.error === "refused" || answer.status === 404) {
    notice("stopped", "error", told.said || word("refused"), texts(sent.fields));
    stand("stopped");
    say("refused", "error");
    return;
  }
  if (answer.status === 503 || (answer.status >= 400 && answer.status < 500)) {
    say("later", "warning", told.said || word("later"));
    schedule(answer.status === 503 ? SOON[2] : LATER);
    return;
  }
  failed();
}

function failed() {
  if (!isEmpty(changed) || batches.length) say("not_saved", "warning");
  notice("offline", "warning", word("offline"));
  stand("offline");
  schedule(SOON[Math.min(tries, SOON.length - 1)]);
  tries += 1;
}

function acknowledged(sent, told) {
  tries = 0;
  batches = batches.filter((one) => one !== sent);
  stand("ready");
  contact();
  marks.push(sent.key);
  const isHeld = told.conflicts.some((clash) => clash.kind === "removed_there");
  const isNews = told.revision > revision + 1;  // else the page shows all that was saved before this batch
  revision = Math.max(revision, told.revision);
  if (!isHeld && !notices.querySelector("[data-notice=lost]")) {
    form.elements.revision.value = revision;
    marks = [];
  }
  for (const clash of told.conflicts) dispute(clash, sent);
  for (const one of told.merged) merged(one, sent);
  if (told.reload.length) changedAround(told);
  if (told.sentences.length && isNews) notice("merged", "info", told.sentences.join(" "), ...(told.reload.length && !isHeld ? [link("refresh", here)] : []));
  faults(sent, told.faults);
  keep();
  say("saved", "", told.said);
  stand("ready");
  if (batches.length || !isEmpty(changed)) schedule(batches.length ? 0 : QUIET);
}

// Something of another's stands in the boxes now, unless this person is writing there: then he is asked.
function merged({ path, inputs, text }, sent) {
  const own = textsOf(path);
  if (Object.keys(own).some((name) => name in changed)) {
    dispute({ path, kind: "field", theirs: text, inputs, by: "" }, { fields: own, revision: sent.revision });
    return;
  }
  if (path in held) return;
  put(Object.fromEntries(Object.entries(inputs).map(([name, words]) => [name, [words]])));
}

function changedAround(told) {
  for (const { path, kind } of told.reload) {
    if (kind !== "removed") continue;
    const row = document.getElementById(`f-${path}`) || document.getElementById(`entry-${path}`);
    if (!row || told.conflicts.some((clash) => clash.path === path)) continue;
    row.classList.add("is-gone");
    for (const input of row.querySelectorAll("input, select, textarea, button")) input.disabled = true;
  }
}

function faults(sent, found) {
  const paths = new Set(Object.keys(sent.fields).flatMap((name) => [name, name.replace(/-[^-]+$/, "")]));
  const wrong = new Set(found.map((fault) => fault.path));
  for (const note of form.querySelectorAll("[data-half]")) if (paths.has(note.dataset.half)) note.remove();
  for (const [name, [text]] of Object.entries(sent.fields)) {  // it says something else now than what was told of
    if (!text) continue;
    document.getElementById(`note-${name}`)?.remove();
    if (!wrong.has(name) && !wrong.has(name.replace(/-[^-]+$/, ""))) mended(name);
  }
  document.querySelector('[data-key="app.never_saved"]')?.remove();
  for (const { path, text } of found) {
    const row = form.querySelector(`[data-field="${CSS.escape(path)}"]`) || form.querySelector(`[data-field="${CSS.escape(path.replace(/-[^-]+$/, ""))}"]`);
    if (!row || row.contains(document.activeElement)) continue;
    const error = row.querySelector(`[data-error-for="${CSS.escape(path)}"], [data-error-for="${CSS.escape(row.dataset.field)}"]`);
    if (error) { error.querySelector("span").textContent = text; continue; }
    document.getElementById(`note-${path}`)?.remove();
    const note = document.createElement("p");
    note.className = "field__note";
    note.dataset.half = row.dataset.field;
    note.textContent = text;
    (row.querySelector(".field__main") || row).append(note);
  }
}

// A fault that the server told is not told of another answer; whether this one will do, «Дайын» says.
function mended(name) {
  const error = document.getElementById(`error-${name}`) || document.getElementById(`error-${name.replace(/-[^-]+$/, "")}`);
  const row = error?.closest("[data-part], [data-field]");
  if (!row || [...row.querySelectorAll(".input")].some((input) => !input.value)) return;
  error.remove();
  row.classList.remove("field--wrong", "part--wrong");
  for (const input of row.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
}

// What both have changed: both stand on the page, and nothing of it is sent until somebody has chosen.
function dispute(clash, sent) {
  if (clash.kind === "removed_there") {
    const typedThere = Object.fromEntries(Object.entries(sent.fields).filter(([name]) => name.startsWith(`${clash.path}-`)));
    held[clash.path] = { ...held[clash.path], ...typedThere };
    bases[clash.path] ??= sent.revision;
    const told = [clash.label, clash.by ? `${word("removed")} (${clash.by})` : word("removed")].filter(Boolean).join(": ");
    if (!document.getElementById(`f-${clash.path}`) && !document.getElementById(`entry-${clash.path}`)) {
      // The row is on this page no more: what was typed into it is shown, and kept until it is thrown away.
      notice("lost", "warning", told, texts(held[clash.path]), button("discard", () => {
        delete held[clash.path];
        forget("lost");
        keep();
        stand(state);
      }));
      return;
    }
    const compare = document.createElement("button");
    compare.type = "submit";
    compare.name = "save";
    compare.value = "yes";
    compare.className = "button button--secondary button--small";
    compare.textContent = word("compare");
    notice("lost", "warning", told, compare);
    return;
  }
  if (clash.kind !== "field") return;
  const row = form.querySelector(`[data-field="${CSS.escape(clash.path)}"]`);
  const mine = Object.fromEntries(Object.entries(sent.fields).filter(([name]) => name === clash.path || name.replace(/-[^-]+$/, "") === clash.path));
  for (const name of Object.keys(mine)) delete changed[name];
  held[clash.path] = mine;
  bases[clash.path] ??= sent.revision;
  if (!row) {
    notice(`held-${clash.path}`, "warning", `${clash.label}: ${word("both")}`, texts(mine));
    return;
  }
  row.querySelector("[data-contested]")?.remove();
  const box = document.getElementById("keeping-contested").content.firstElementChild.cloneNode(true);
  box.dataset.contested = clash.path;
  box.querySelector(".words").textContent = clash.theirs;
  box.querySelector("[data-by]").textContent = clash.by;
  box.querySelector("[type=hidden]").name = `asked-${clash.path}`;
  for (const radio of box.querySelectorAll("[type=radio]")) {
    radio.name = `pick-${clash.path}`;
    radio.addEventListener("change", () => choose(clash, row, box, radio.value));
  }
  row.classList.add("field--contested");
  (row.querySelector(".field__main") || row).append(box);
  notice("disputed", "warning", word("disputed"), button("choose", toChoice));
  if (row.contains(document.activeElement)) requestAnimationFrame(() => inSight(row, box));
}

const undecided = () => [...form.querySelectorAll("[data-contested]")].filter((box) => !box.querySelector("input:checked"));

function toChoice() {
  const box = undecided()[0] || form.querySelector("[data-contested]");
  if (!box) return;
  box.querySelector("[type=radio]").focus({ preventScroll: true });
  inSight(rowOf(box), box);
}

// The field and both its values are to be seen; where that is too much, the choice.
function inSight(row, box) {
  (row.offsetHeight < room() ? row : box).scrollIntoView({ block: "nearest" });
}

// The page of a refused save has its choices already: they act here as those that come later.
function adopt() {
  const base = Number(form.dataset.base);
  for (const box of form.querySelectorAll("[data-contested]")) {
    const clash = { path: box.dataset.contested, inputs: JSON.parse(box.dataset.inputs) };
    held[clash.path] = textsOf(clash.path);
    bases[clash.path] = base;
    for (const radio of box.querySelectorAll("[type=radio]")) {
      radio.addEventListener("change", () => choose(clash, rowOf(box), box, radio.value));
    }
  }
  for (const row of form.querySelectorAll("[data-lost]")) {
    const fields = [...row.querySelectorAll("input[type=hidden]")].filter((input) => !input.name.startsWith("restore-"));
    held[row.dataset.lost] = Object.fromEntries(fields.map((input) => [input.name, [input.value]]));
    bases[row.dataset.lost] = base;
  }
}

function choose(clash, row, box, side) {
  if (side === "mine") Object.assign(changed, textsOf(clash.path));
  else put(Object.fromEntries(Object.entries(clash.inputs).map(([name, words]) => [name, [words]])));
  delete held[clash.path];
  delete bases[clash.path];
  row.classList.remove("field--contested");
  const within = box.contains(document.activeElement);
  box.remove();
  if (within) inputsOf(clash.path)[0]?.focus();
  if (isEmpty(held)) {
    forget("disputed");
    document.querySelector("[data-contest]")?.remove();
  }
  stand(state);
  keep();
  schedule(0);
}

// The session

function contact() {
  try { localStorage.setItem(`kezen.contact.${user}`, String(Date.now())); } catch { /* no storage */ }
  forget("expiring");
}

function signedOut() {
  say("not_saved", "warning");
  const enter = link("sign_in", `/login?next=${encodeURIComponent(location.pathname)}`, "_blank");
  notice("signed_out", "warning", word("signed_out"), enter);
  stand("signed_out");
}

function stranger(text) {
  isAlone = true;
  stand("stopped");
  form.before(notices);
  form.hidden = true;  // nobody reads on another's page
  notice("stranger", "error", text || word("stranger"), link("refresh", here));
}

// Ask who is signed in now; the same person's saves go on with the new session's token.
async function takeUp() {
  try {
    const answer = await fetch(address, { headers: { Accept: "application/json" }, redirect: "manual" });
    if (answer.status === 401) { signedOut(); return; }
    if (!answer.ok) { failed(); return; }
    const told = await answer.json();
    if (String(told.user) !== user) { stranger(); return; }
    for (const input of document.querySelectorAll("[name=csrf_token]")) input.value = told.csrf_token;
    stand("ready");
    contact();
    schedule(0);
  } catch {
    failed();
  }
}

setInterval(() => {
  if (state === "signed_out") { takeUp(); return; }
  if (state === "stopped") return;
  let last = Date.now();
  try { last = Number(localStorage.getItem(`kezen.contact.${user}`)) || last; } catch { /* no storage */ }
  const minutes = Math.ceil(Number(form.dataset.sessionMinutes) - (Date.now() - last) / 60000);
  if (minutes <= 0) takeUp();
  else if (minutes <= 5) notice("expiring", "warning", word("expiring").replace("{n}", minutes), button("stay", takeUp));
}, 15000);

// What was left behind: a crash, a lost session, a closed window

function texts(fields, labels = {}) {
  const list = document.createElement("dl");
  list.className = "facts";
  for (const [name, [text]] of Object.entries(fields)) {
    const row = document.createElement("div");
    const term = document.createElement("dt");
    const words = document.createElement("dd");
    term.textContent = labels[name] || labelOf(name);
    words.textContent = text;
    row.append(term, words);
    list.append(row);
  }
  return list;
}

async function openPages() {
  try { return new Set((await navigator.locks.query()).held.map((lock) => lock.name)); } catch { return new Set(); }
}

// The lock of a page that has just crashed is let go a moment later, how much later is the browser's affair: what
// stands under a lock is waited for.  What another page holds for longer is its own; and what would come over
// words typed here meanwhile stays in the storage for the next page.
async function restore() {
  const alive = await openPages();
  navigator.locks?.request(storage, () => new Promise(() => {})).catch(() => {});
  const left = unsent.of(user, place).filter(([name]) => name !== storage);
  takeOver(left.filter(([name]) => !alive.has(name)));
  for (const [locked] of left.filter(([name]) => alive.has(name))) {
    navigator.locks.request(locked, { signal: AbortSignal.timeout?.(CRASHED) }, () => {
      if (isEmpty(changed) && !batches.length && isEmpty(held)) takeOver(unsent.of(user, place).filter(([name]) => name === locked));
    }).catch(() => {});
  }
}

function takeOver(left) {
  const shown = [];
  for (const [name, entry] of left) {
    if (entry.submitted && entry.submitted.key === form.dataset.answered) {  // this page is its answer
      unsent.remove(name);
      continue;
    }
    labels = { ...labels, ...entry.labels };
    if (entry.forms !== forms) {
      const all = Object.assign({}, ...[...entry.batches, ...entry.held || []].map((one) => one.fields), entry.changed);
      const discard = button("discard", () => { unsent.remove(name); forget(`old-${name}`); });
      notice(`old-${name}`, "warning", word("old_form"), texts(all, entry.labels), discard);
      continue;
    }
    const found = [...entry.batches];
    if (!isEmpty(entry.changed)) found.push({ key: (entry.submitted || {}).key || mark(), revision: entry.revision, fields: entry.changed });
    // What was in dispute goes with the revision it was typed over: what another made of it is met again.
    const disputed = (entry.held || []).map((one) => ({ key: mark(), revision: one.revision, fields: one.fields }));
    for (const one of [...found, ...disputed]) {
      const differs = Object.entries(one.fields).filter(([input, [text]]) => !shows(input, text));
      if (differs.length || "unsaved" in form.dataset) batches.push(one);
      if (!disputed.includes(one)) for (const [input] of differs) shown.push(entry.labels[input] || labelOf(input));
      put(Object.fromEntries(differs));
    }
    unsent.remove(name);
  }
  keep();
  if (shown.length) {
    notice("restored", "info", word("restored").replace("{fields}", [...new Set(shown)].join("; ")));
    resume();
  }
  if (batches.length) schedule(0);
}

function shows(name, text) {
  const inputs = [...form.elements].filter((input) => input.name === name && isTyped(input));
  if (!inputs.length) return false;
  return inputs.some((input) => (input.type === "radio" || input.type === "checkbox" ? input.checked && input.value === text : input.value === text));
}

// The place where one was: the field in focus, and how far the page was scrolled

const seat = `kezen.seat.${user}.${place}`;
form.addEventListener("focusin", (event) => {
  if (!isTyped(event.target)) return;
  try { localStorage.setItem(seat, JSON.stringify({ name: event.target.name, top: event.target.getBoundingClientRect().top })); } catch { /* no storage */ }
});

function seated() {
  try { return JSON.parse(localStorage.getItem(seat)); } catch { return null; }
}

function resume() {
  const last = seated();
  const input = last && [...form.elements].find((one) => one.name === last.name && isTyped(one));
  if (!input) return;
  input.focus({ preventScroll: true });
  window.scrollBy(0, input.getBoundingClientRect().top - last.top);
}

const came = performance.getEntriesByType?.("navigation")[0]?.type;
if (!location.hash) {
  const last = seated();
  const input = last && [...form.elements].find((one) => one.name === last.name && isTyped(one));
  if (input && (came === "reload" || came === "back_forward")) resume();
  else if (input && !document.querySelector(".errors")) {
    const back = document.createElement("a");
    back.href = `#${input.id}`;
    back.textContent = `${word("continue_at")}: ${labelOf(last.name)}`;
    back.addEventListener("click", (event) => { event.preventDefault(); resume(); back.remove(); });
    document.querySelector(".saved").append(back);
  }
}

// What happens on the page

function typed(event) {
  const path = isTyped(event.target) && rowOf(event.target)?.dataset.field;
  if (!path) stand(state);
  if (!path || isAlone) return;
  if (path in held) held[path] = textsOf(path);
  else Object.assign(changed, textsOf(path));
  keep();
  if (state === "ready") say("unsaved");
  schedule();
}
form.addEventListener("input", typed);
form.addEventListener("change", typed);

form.addEventListener("submit", (event) => {
  if (isAlone) { event.preventDefault(); return; }
  if (!navigator.onLine) failed();
  if (state === "ready" && undecided().length) {  // the box still says mine: to send it would be to choose unasked
    event.preventDefault();
    toChoice();
    return;
  }
  if (state !== "ready") {
    event.preventDefault();
    notices.querySelector(`[data-notice="${state}"]`)?.focus();
    return;
  }
  clearTimeout(timer);
  isSubmitted = true;
  const all = Object.assign({}, ...batches.map((one) => one.fields), changed);
  const key = mark();
  form.elements.unsure.value = [...marks, ...batches.map((one) => one.key)].join(" ");
  form.elements.key.value = key;
  if (isEmpty(all)) return;
  const submitted = { key, revision, fields: all, unsure: batches.map((one) => one.key) };
  unsent.write(storage, { address, forms, at: Date.now(), revision, changed: all, batches: [], labels: Object.fromEntries(Object.keys(all).map((name) => [name, labelOf(name)])), submitted });
});

function leave() {
  if (isSubmitted || isAlone || state === "signed_out" || state === "stopped") return;
  batch();
  keep();
  for (const one of batches) navigator.sendBeacon?.(address, unsent.body(one, user, form.elements.csrf_token.value));
}
window.addEventListener("pagehide", leave);
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") flush();
  else if (state === "signed_out") takeUp();
});
window.addEventListener("focus", () => { if (state === "signed_out") takeUp(); });
window.addEventListener("online", () => { if (state === "offline") schedule(0); });
window.addEventListener("offline", failed);
window.addEventListener("unsent:discard", () => { isAlone = true; clearTimeout(timer); stand("ready"); form.setAttribute("data-kept", ""); });

adopt();
stand("ready");
contact();
restore();
