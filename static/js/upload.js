// Files go up one by one, at once, each with its progress; the form around them is sent without them.
// Without this script the same inputs send their files with the form.

const line = document.getElementById("upload-line");
const say = line.dataset;
let queue = Promise.resolve();
let under_way = 0;

window.addEventListener("beforeunload", (event) => { if (under_way) event.preventDefault(); });

// «Сақтау» and «Дайын» wait for what is on its way; if one has failed, the page stays to show it.
document.addEventListener("submit", (event) => {
  if (!under_way || !event.target.querySelector("[data-upload]")) return;
  event.preventDefault();
  event.stopPropagation();
  const { target: form, submitter } = event;
  queue.then(() => {
    const failed = form.querySelector(".upload__line[data-state=failed]");
    if (failed) failed.scrollIntoView({ block: "center" });
    else form.requestSubmit(submitter);
  });
}, true);

for (const widget of document.querySelectorAll("[data-upload]")) prepare(widget);

// A part of the page that a script has put in anew may hold file fields too.
document.addEventListener("kezen:drawn", (event) => {
  for (const widget of event.target.querySelectorAll("[data-upload]")) prepare(widget);
});

function prepare(widget) {
  if (widget.dataset.prepared) return;
  widget.dataset.prepared = "yes";
  const input = widget.querySelector("input[type=file]");
  const list = document.createElement("ul");
  list.className = "upload__list";
  const news = document.createElement("p");
  news.className = "unseen";
  news.setAttribute("role", "status");
  widget.append(list, news);
  widget.querySelector("[data-send]")?.remove();
  if (!document.querySelector(".upload__drop")) { // once is enough
    const hint = document.createElement("p");
    hint.className = "meta upload__drop";
    hint.textContent = say.drop;
    widget.append(hint);
  }
  rows(widget);
  announce(widget);
  input.addEventListener("input", (event) => event.stopPropagation());
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = "";
    take(widget, files);
  });
  if (widget.matches("form")) {
    widget.addEventListener("submit", (event) => { event.preventDefault(); input.click(); });
  }
  for (const name of ["dragover", "dragleave", "drop"]) {
    widget.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      widget.classList.toggle("upload--over", name === "dragover");
      if (name === "drop") take(widget, [...event.dataTransfer.files]);
    });
  }
}

// The boxes to tick become buttons that act at once.
function rows(widget) {
  for (const acts of widget.querySelectorAll(".files__acts")) {
    acts.hidden = false;
    acts.closest("li").querySelector(".tick").remove();
    acts.querySelector("[data-replace]").addEventListener("click", (event) => choose(widget, event.currentTarget.dataset.replace));
    acts.querySelector("[data-take-out]").addEventListener("click", (event) => {
      const button = event.currentTarget;
      // The question of form.js comes first; only the click after it carries the answer.
      if (button.dataset.confirmed) remove(widget, button.dataset.takeOut);
    });
  }
}

function choose(widget, replaces) {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = widget.querySelector("input[type=file]").accept;
  input.addEventListener("change", () => take(widget, [...input.files], replaces));
  input.click();
}

// A field of one file is given a new one: that replaces what it holds, once the question has been answered.
async function take(widget, files, replaces = widget.dataset.replaces) {
  const standing = "single" in widget.dataset && !replaces && files.length === 1 && held(widget);
  if (standing) {
    if (!await ask(say.replaces.replace("{name}", standing.name), say.actReplace)) {
      widget.querySelector("input[type=file]").focus();
      return;
    }
    replaces = standing.id;
  }
  for (const file of files) show(widget, file, replaces);
}

// The file that stands in a field of one file.
function held(widget) {
  const row = widget.querySelector(".files [data-file]");
  return row && { id: row.dataset.file, name: row.querySelector("a").textContent };
}

// Beside the input of a field of one file stands what a new one would do.
function announce(widget) {
  const words = widget.querySelector("[data-announce]");
  const standing = words && held(widget);
  if (!words) return;
  words.hidden = !standing;
  if (standing) words.textContent = say.replaces.replace("{name}", standing.name);
}

// The button that agrees is called by what it does.
function ask(words, act) {
  return new Promise((resolve) => {
    const dialog = document.getElementById("confirm").content.querySelector("dialog").cloneNode(true);
    dialog.querySelector(".dialog__title").textContent = words;
    let is_agreed = false;
    const yes = dialog.querySelector("[value=yes]");
    yes.textContent = act;
    yes.dataset.key = "act.replace_file";
    yes.onclick = () => { is_agreed = true; dialog.close(); };
    dialog.querySelector("[value=no]").onclick = () => dialog.close();
    dialog.addEventListener("close", () => { dialog.remove(); resolve(is_agreed); });
    document.body.append(dialog);
    dialog.showModal();
  });
}

function show(widget, file, replaces) {
  const row = line.content.firstElementChild.cloneNode(true);
  const bar = row.querySelector("progress");
  const again = row.querySelector("[data-again]");
  const cancel = row.querySelector("[data-cancel]");
  row.querySelector(".upload__name").textContent = file.name;
  bar.setAttribute("aria-label", file.name);
  for (const words of row.querySelectorAll(".unseen")) words.textContent = `: ${file.name}`;
  widget.querySelector(".upload__list").append(row);
  let request = null;
  let cancelled = false;
  const state = (word, text) => {
    row.dataset.state = word;
    row.querySelector(".upload__state").textContent = text;
  };
  const name_cancel = (key, words) => {
    cancel.dataset.key = key;
    cancel.querySelector("[data-word]").textContent = words;
  };
  cancel.addEventListener("click", () => {
    cancelled = true;
    if (request) request.abort();
    row.remove();
    tell(widget, row.dataset.state === "failed" ? "" : `${file.name}: ${say.cancelled}`);
    widget.querySelector("input[type=file]").focus();
  });
  const go = () => {
    cancelled = false;
    again.hidden = true;
    name_cancel("act.cancel", say.actCancel);
    bar.hidden = false;
    bar.value = 0;
    under_way += 1;
    queue = queue.then(async () => {
      if (cancelled) return;
      state("sending", say.sending.replace("{percent}", 0));
      const body = form_data(widget);
      body.append("field", widget.dataset.upload);
      if (replaces) body.append("replaces", replaces);
      body.append("file", file, file.name);
      request = new XMLHttpRequest();
      const answer = await send(request, address(widget), body, (share) => {
        bar.value = share;
        state("sending", share < 100 ? say.sending.replace("{percent}", Math.floor(share)) : say.checking);
      });
      request = null;
      if (cancelled) return;
      bar.hidden = true;
      if (answer.failure) {
        state("failed", answer.failure);
        name_cancel("upload.clear", say.actClear); // nothing is under way that could be cancelled
        again.hidden = !answer.may_retry;
        again.onclick = go;
        tell(widget, `${file.name}: ${answer.failure}`);
        return;
      }
      const notes = answer.notes.filter((note) => answer.files.at(-1).name === note.name || answer.files.length === 1);
      const said = notes.map((note) => note.text).join(" ");
      const done = replaces ? say.replaced : say.done;
      settle(widget, answer);
      if ("single" in widget.dataset) clear_failed(widget);
      if (said || replaces) {
        state(said ? "noted" : "done", said ? `${done}. ${said}` : done);
        cancel.remove();
      } else {
        row.remove();
      }
      tell(widget, `${file.name}: ${done}. ${said}`);
    }).finally(() => { under_way -= 1; }).then(() => {
      if ("reload" in widget.dataset && !under_way && row.dataset.state !== "failed") location.reload();
    });
  };
  state("waiting", say.sending.replace("{percent}", 0));
  go();
}

// In a field of one file the good one has taken the place of those that were refused.
function clear_failed(widget) {
  for (const row of widget.querySelectorAll(".upload__line[data-state=failed]")) row.remove();
}

async function remove(widget, id) {
  const answer = await send(new XMLHttpRequest(), `${address(widget)}/${id}/remove`, form_data(widget), () => {});
  if (answer.failure) {
    tell(widget, answer.failure, true);
    return;
  }
  settle(widget, answer);
  tell(widget, say.removed);
  widget.querySelector("input[type=file]").focus();
}

function form_data(widget) {
  const body = new FormData();
  body.append("csrf_token", widget.closest("form").elements.csrf_token.value);
  return body;
}

// The page of a stage knows where its files go; the checklist's forms say it themselves.
function address(widget) {
  const form = widget.closest("form");
  const path = new URL(form.getAttribute("action"), location.href).pathname;
  return path.endsWith("/files") ? path : `${path}/files`;
}

// Put the field's files as the server has them, and let the form go on from the revision that this act has made.
function settle(widget, answer) {
  if ("reload" in widget.dataset) return;
  widget.querySelector(".files")?.remove();
  widget.insertAdjacentHTML("afterbegin", answer.html);
  rows(widget);
  announce(widget);
  const form = widget.closest("form");
  const seen = form.elements.revision;
  if (seen && Number(seen.value) === answer.before) seen.value = answer.revision;
  form.dispatchEvent(new CustomEvent("kezen:files", { bubbles: true, detail: answer }));
}

function tell(widget, words, aloud = false) {
  const news = widget.querySelector("[role=status]");
  news.classList.toggle("unseen", !aloud);
  news.classList.toggle("field__error", aloud);
  news.textContent = words;
}

// Answers always: what the server said, or why there is nothing to be said.
function send(request, path, body, progress) {
  return new Promise((resolve) => {
    const fail = (failure, may_retry = true) => resolve({ failure, may_retry });
    request.open("POST", path);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "text";
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) progress((event.loaded / event.total) * 100);
    });
    request.addEventListener("error", () => fail(say.network));
    request.addEventListener("abort", () => fail(say.cancelled));
    request.addEventListener("load", () => {
      const answer = read(request);
      if (answer?.files) return resolve(answer);
      if (answer?.problems) return fail(answer.problems.map((problem) => problem.text).join(" "), request.status === 409);
      if (request.status === 413) return fail(say.tooLarge, false);
      if (new URL(request.responseURL || path, location.href).pathname === "/login") return fail(say.signedOut);
      return fail(say.failed);
    });
    request.send(body);
  });
}

function read(request) {
  try {
    return JSON.parse(request.responseText);
  } catch {
    return null; // a page: of signing in, of a fault
  }
}
