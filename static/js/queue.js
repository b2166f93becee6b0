// One box chooses every row that is shown.
const all = document.querySelector("[data-check-all]");
if (all) {
  all.hidden = false;
  const box = all.querySelector("input");
  const rows = [...document.querySelectorAll('input[name="row"]')];
  box.addEventListener("change", () => { for (const row of rows) row.checked = box.checked; });
  for (const row of rows) {
    row.addEventListener("change", () => {
      const chosen = rows.filter((each) => each.checked).length;
      box.checked = chosen === rows.length;
      box.indeterminate = chosen > 0 && chosen < rows.length;
    });
  }
}
