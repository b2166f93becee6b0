// The file that is chosen, or dropped on the page, is hashed here and compared; it is sent nowhere.
"use strict";

(() => {
  const box = document.querySelector("[data-compare]");
  if (!box) return;
  const verdict = box.querySelector("[data-verdict]");

  const tell = (words, kind) => {
    verdict.textContent = words;
    verdict.className = `alert alert--${kind}`;
  };

  const compare = async (file) => {
    if (!file) return;
    if (!window.crypto || !window.crypto.subtle) {
      tell(box.dataset.unable, "warning");
      return;
    }
    const sum = await window.crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    const hex = [...new Uint8Array(sum)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const same = hex === box.dataset.compare;
    tell(same ? box.dataset.same : box.dataset.other, same ? "success" : "error");
  };

  box.querySelector("input[type=file]").addEventListener("change", (event) => compare(event.target.files[0]));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    compare(event.dataTransfer.files[0]);
  });
})();
