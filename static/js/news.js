// New messages without reloading: the bell, a quiet word, the list of messages.  Of all the tabs of a browser the one
// that is looked at asks, every half minute, and tells the others; a tab out of sight asks nothing.  Without scripts
// the bell is right at the next page.

import { note, over, read } from "./session.js";

const EVERY = 30_000;
const LONGEST = 10 * 60_000;
const bell = document.querySelector("[data-bell]");
const toasts = document.querySelector("[data-toasts]");
const place = bell && `kezen.news.${bell.dataset.bell}`;
const channel = "BroadcastChannel" in window ? new BroadcastChannel("kezen.news") : null;
let known = kept();
let pause = EVERY;

function kept() {
  try {
    return JSON.parse(localStorage.getItem(place)) || {};
  } catch {
    return {};
  }
}

function keep(state) {
  known = state;
  try {
    localStorage.setItem(place, JSON.stringify(state));
  } catch {
    // A browser that keeps nothing tells only what comes while the page is open.
  }
}

function ring(unread) {
  let count = bell.querySelector("[data-unread]");
  if (!unread) {
    count?.remove();
    return;
  }
  if (!count) {
    count = bell.querySelector("template").content.firstElementChild.cloneNode(true);
    bell.append(count);
  }
  count.dataset.unread = unread;
  count.querySelector("[data-count]").textContent = unread;
}

// One region that was there when the page came: screen readers say politely what is put into it.
function tell(message) {
  const toast = toasts.querySelector("template").content.firstElementChild.cloneNode(true);
  const link = toast.querySelector("a");
  link.href = message.href;
  link.textContent = message.text;
  toast.querySelector("[data-about]").textContent = message.about;
  toast.querySelector("button").addEventListener("click", () => toast.remove());
  toasts.append(toast);
  while (toasts.querySelectorAll(".toast").length > 3) toasts.querySelector(".toast").remove();
}

// The list of messages is drawn anew where its newest page is open and nobody is at work in it.
async function renew() {
  const list = document.querySelector("#news-list[data-live]");
  if (!list || list.contains(document.activeElement)) return;
  const headers = { Accept: "application/json" }; // what a page fetches by itself is no sign that somebody is there
  const answer = await fetch(location.href, { headers });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("#news-list");
  if (fresh) list.replaceChildren(...fresh.childNodes);
}

async function ask() {
  const query = known.last === undefined ? "" : `?id=${known.last}`;
  const headers = { Accept: "application/json", ...(known.tag ? { "If-None-Match": known.tag } : {}) };
  const answer = await fetch(`/notifications/since${query}`, { headers, cache: "no-store" });
  if (answer.status === 401 || answer.redirected) {
    over();
    return false; // signed out: nothing more is asked from here
  }
  share(read(answer));
  if (answer.status !== 304 && !answer.ok) throw new Error(answer.status);
  if (answer.status === 304) {
    keep({ ...known, at: Date.now() });
    return true;
  }
  const said = await answer.json();
  const isNew = said.last !== known.last && known.last !== undefined;
  keep({ last: said.last, tag: answer.headers.get("ETag"), at: Date.now() });
  ring(said.unread);
  channel?.postMessage({ who: place, unread: said.unread, isNew });
  for (const message of [...said.news].reverse()) tell(message);
  if (isNew) await renew().catch(() => {});
  return true;
}

// How long the session lasts is one truth for all the tabs.
function share(session) {
  note(session);
  if (session) channel?.postMessage({ who: place, session });
}

function wait(milliseconds, signal) {
  return new Promise((done) => {
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", () => { clearTimeout(timer); done(); }, { once: true });
  });
}

async function watch(signal) {
  known = kept();
  await wait(Math.max(0, (known.at || 0) + EVERY - Date.now()), signal);
  while (!signal.aborted) {
    try {
      if (!(await ask())) return;
      pause = EVERY;
    } catch {
      pause = Math.min(pause * 2, LONGEST); // no answer: ask more and more seldom
    }
    await wait(pause, signal);
  }
}

// The tab in sight holds the lock; the others wait for it.
let leaving = null;
function look() {
  leaving?.abort();
  if (document.hidden || !bell) return;
  leaving = new AbortController();
  const { signal } = leaving;
  if (!navigator.locks) watch(signal);
  else navigator.locks.request(place, { signal }, () => watch(signal)).catch(() => {}); // out of sight before its turn
}

if (bell) {
  channel?.addEventListener("message", ({ data }) => {
    if (data.who !== place) return;
    if (data.session) {
      note(data.session);
      return;
    }
    ring(data.unread);
    if (data.isNew) renew().catch(() => {}); // the next page has them
  });
  document.addEventListener("visibilitychange", look);
  window.addEventListener("kezen:session", ({ detail }) => share(detail));
  window.addEventListener("pagehide", () => leaving?.abort());
  look();
}

// A message that is opened is a message that was read.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-notification] .rows__link");
  const form = link?.closest("[data-notification]").querySelector("form[data-read]");
  if (form) navigator.sendBeacon(form.action, new FormData(form));
});
