// Five minutes before the login session ends by itself the page says so, and where idleness ends it, offers to stay.
// How long is left came with the page; every later question for news brings it anew (news.js), to all tabs.

const region = document.querySelector("[data-session]");
const WARNING = Number(region?.dataset.warning) * 1000;
let ends = Infinity;
let stays = false;
let timer = 0;

function hear({ left, kind }) {
  ends = Date.now() + left * 1000;
  stays = kind === "idle";
  look();
}

// What an answer says of the session, for the other tabs too; null where it says nothing.
export function read(answer) {
  const left = answer.headers.get("Kezen-Session-Left");
  return left === null ? null : { left: Number(left), kind: answer.headers.get("Kezen-Session-Ends") };
}

export function note(said) {
  if (said && region) hear(said);
}

export function over() {
  if (region) show("over");
}

function show(name) {
  if (region.dataset.shown === name) return;
  region.dataset.shown = name;
  region.querySelector(".toast")?.remove();
  const words = name && region.querySelector(`template[data-case="${name}"]`).content.firstElementChild.cloneNode(true);
  if (!words) return;
  const at = words.querySelector("[data-at]");
  if (at) at.textContent = new Date(ends).toLocaleTimeString("ru", { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Almaty" });
  words.querySelector("[data-stay]")?.addEventListener("click", stay);
  const door = words.querySelector("[data-door]");
  if (door) door.href = `/login?next=${encodeURIComponent(location.pathname + location.search)}`;
  region.append(words);
}

function look() {
  clearTimeout(timer);
  const left = ends - Date.now();
  if (left <= 0) show("over");
  else if (left <= WARNING) show(stays ? "idle" : "absolute");
  else show("");
  const next = left > WARNING ? left - WARNING : left;
  if (left > 0 && next < 2 ** 31) timer = setTimeout(look, next + 500);
}

async function stay() {
  const body = new FormData();
  body.set("csrf_token", document.querySelector("input[name='csrf_token']").value);
  const answer = await fetch("/session/stay", { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => null);
  if (answer?.ok && !answer.redirected) {
    note(read(answer));
    window.dispatchEvent(new CustomEvent("kezen:session", { detail: read(answer) }));
  } else if (answer) {
    show("over");
  }
}

if (region) {
  hear({ left: Number(region.dataset.left), kind: region.dataset.ends });
  document.addEventListener("visibilitychange", look);
}
