// An answer is judged when its box is left: the server says what «Дайын» would say, in the same words, and
// nothing is stored.  Rows that must differ are judged together, so that mending one clears the other.

const BOXES = "input.input:not([type=file]), select.input";
const hintLine = document.getElementById("hint-line");

// The inputs that ask the same in the other rows of its group: directors-e1-since, directors-e2-since.
function alike(form, box) {
  const shape = (name) => name.replace(/-e[0-9]+(?=-|$)/g, "-e");
  return [...form.querySelectorAll(BOXES)].filter((other) => other.value && shape(other.name) === shape(box.name));
}

function place(form, name) {
  const path = CSS.escape(name);
  return form.querySelector(`[data-part="${path}"]`) || form.querySelector(`[data-field="${path}"] > .field__main`);
}

function show(form, name, words) {
  const home = place(form, name);
  const box = form.elements[name];
  if (!home || !box) return;
  const error = `error-${name}`;
  let told = document.getElementById(error);
  document.getElementById(`note-${name}`)?.remove();
  if (words && !told) {
    told = hintLine.content.firstElementChild.cloneNode(true);
    told.id = error;
    told.dataset.errorFor = name;
    (box.closest(".unit") || box).before(told);
  }
  if (words) told.querySelector("span").textContent = words;
  else told?.remove();
  const ids = new Set((box.getAttribute("aria-describedby") || "").split(" ").filter(Boolean));
  ids.delete(`note-${name}`);
  if (words) ids.add(error);
  else ids.delete(error);
  if (ids.size) box.setAttribute("aria-describedby", [...ids].join(" "));
  else box.removeAttribute("aria-describedby");
  if (words) box.setAttribute("aria-invalid", "true");
  else box.removeAttribute("aria-invalid");
  const field = box.closest("[data-field]");
  field.classList.toggle("field--wrong", Boolean(field.querySelector(".field__error")));
  box.closest("[data-part]")?.classList.toggle("part--wrong", Boolean(words));
}

for (const form of document.querySelectorAll("form[data-hints]")) {
  const status = form.querySelector("[data-hint-status]");
  const latest = {}; // name of an input -> the turn that asked last about it
  let turns = 0;
  form.addEventListener("change", async (event) => {
    const box = event.target;
    if (!box.matches(BOXES) || !place(form, box.name)) return;
    const turn = (turns += 1);
    const typed = new FormData(form);
    for (const [name, value] of [...typed]) if (value instanceof File) typed.delete(name);
    for (const name of new Set([box, ...alike(form, box)].map((one) => one.name))) {
      typed.append("about", name);
      latest[name] = turn;
    }
    try {
      const answer = await fetch(form.dataset.hints, { method: "POST", body: typed, headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) return;
      const told = await answer.json();
      for (const [name, words] of Object.entries(told)) if (latest[name] === turn) show(form, name, words);
      if (latest[box.name] === turn) status.textContent = told[box.name];
    } catch {
      // No answer: «Сақтау» and «Дайын» say it.
    }
  });
}
