// The page with the picture asks every three seconds, while it is looked at, whether the other device has confirmed,
// and then goes on by itself.  Without scripts the button "Check" does it.

const form = document.querySelector("form[data-ask]");
const status = form.querySelector("[data-status]");
const end = Date.now() + Number(form.dataset.seconds) * 1000;

function say(words) {
  status.textContent = words;
  status.classList.remove("unseen");
}

async function ask() {
  if (Date.now() > end) return "over";
  if (document.hidden) return "waiting";
  const answer = await fetch(form.dataset.ask, { headers: { Accept: "application/json" }, cache: "no-store" });
  return answer.ok ? (await answer.json()).state : "waiting";
}

async function watch() {
  const state = await ask().catch(() => "waiting"); // no answer: the next question may have one
  if (state === "waiting") return setTimeout(watch, 3000);
  say(status.dataset[state] || status.dataset.over);
  if (state === "confirmed") form.requestSubmit(form.querySelector("[data-key='device.check']"));
  return null;
}

setTimeout(watch, 3000);
