// The panel of comments works by its links; here n and p go through it too, only while it has the focus.

const panel = document.querySelector("form[data-panel]");
if (panel) {
  panel.querySelector(".panel__keys").hidden = false;
  panel.addEventListener("keydown", (event) => {
    const isTyping = event.target.matches("textarea, input, select, button");
    if (isTyping || event.altKey || event.ctrlKey || event.metaKey || !["n", "p"].includes(event.key)) return;
    const all = [...panel.querySelectorAll("article[data-comment]")];
    const at = all.indexOf(event.target.closest("article[data-comment]"));
    const next = all[Math.min(Math.max(at + (event.key === "n" ? 1 : -1), 0), all.length - 1)];
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  });
  // A link to a comment gives it the focus, so that the keys go on from there.
  const arrive = () => panel.querySelector(`article[id="${CSS.escape(location.hash.slice(1))}"]`)?.focus();
  window.addEventListener("hashchange", arrive);
  arrive();
}
