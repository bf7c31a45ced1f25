// The desk's small helpers. Every form works without them.
"use strict";

// --- Counters: "63 / 90" under each field with data-limit, a word of warning when over.
(() => {
  const length = (text) => [...text].length; // as the server counts: characters, not UTF-16 halves

  function count(field) {
    const audience = field.closest("tr")?.querySelector("select[name$=-audience]");
    const limit = Number((audience?.value && field.dataset.limitAudience) || field.dataset.limit);
    const used = length(field.value.trim());
    let line = field.nextElementSibling;
    if (!line || !line.classList.contains("desk-count")) {
      line = document.createElement("span");
      line.className = "desk-count";
      field.after(line);
    }
    line.textContent = used > limit ? `${used} / ${limit}, too long by ${used - limit}` : `${used} / ${limit}`;
    line.toggleAttribute("data-over", used > limit);
  }

  const watched = "[data-limit]";
  document.addEventListener("input", (event) => {
    const field = event.target;
    if (field.matches("[data-one-line]") && /[\r\n]/.test(field.value)) field.value = field.value.replace(/\s*[\r\n]+\s*/g, " ");
    if (field.matches(watched)) count(field);
  });
  document.addEventListener("change", (event) => event.target.closest("tr")?.querySelectorAll("[data-limit-audience]").forEach(count));
  document.addEventListener("formset:added", (event) => event.target.querySelectorAll(watched).forEach(count));
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(watched).forEach(count));
})();

// --- Ordered lists: after a refused save the rows stand again as the editor had sorted them.
document.addEventListener("DOMContentLoaded", () => {
  for (const list of document.querySelectorAll("table[data-ordering-field]")) {
    const place = (row) => Number(row.querySelector(`input[name$="-${list.dataset.orderingField}"]`)?.value || 0);
    const rows = [...list.querySelectorAll(":scope > .form-group.original")];
    const after = rows.at(-1)?.nextSibling;
    rows.sort((one, two) => place(one) - place(two)).forEach((row) => list.insertBefore(row, after));
  }
});

// --- The comparison: a table of inputs over the textarea, which stays what is sent.
(() => {
  const CELL = 60, COLUMNS = [2, 4], ROWS = [1, 6];
  const split = (line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
  const read = (text) => text.split("\n").filter((line) => line.trim()).map(split);
  const written = (lines) => lines.map((line) => line.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")).join("\n");

  function button(label, title, act, disabled) {
    const made = document.createElement("button");
    Object.assign(made, { type: "button", textContent: label, title, disabled: Boolean(disabled) });
    made.setAttribute("aria-label", title);
    made.addEventListener("click", act);
    return made;
  }

  function enhance(area) {
    const box = document.createElement("div");
    let lines = read(area.value);

    function change(next) {
      lines = next;
      store();
      draw();
    }

    function store() {
      const empty = lines.every((line, row) => line.every((cell, column) => !cell.trim() || (row === 0 && column === 0)));
      area.value = empty ? "" : written(lines);
      area.dispatchEvent(new Event("change", { bubbles: true }));
    }

    function input(row, column, name) {
      const field = document.createElement("input");
      field.value = lines[row][column];
      field.setAttribute("aria-label", name);
      const mark = () => field.toggleAttribute("data-over", [...field.value.trim()].length > CELL);
      field.addEventListener("input", () => { lines[row][column] = field.value.replace(/[\r\n]+/g, " "); mark(); store(); });
      mark();
      return field;
    }

    function moved(row, by) {
      const next = [...lines];
      [next[row], next[row + by]] = [next[row + by], next[row]];
      return next;
    }

    function draw() {
      box.replaceChildren();
      if (!lines.length) {
        const start = [["Feature", "", ""], ["", "", ""]];
        const tools = document.createElement("div");
        tools.className = "desk-grid-tools";
        tools.append(button("Start a comparison", "Start a comparison", () => { lines = start; draw(); }));
        box.append(tools);
        return;
      }
      const width = Math.max(...lines.map((line) => line.length), 2);
      lines = lines.map((line) => [...line, ...Array(width - line.length).fill("")]); // short rows become visible gaps
      const scroll = document.createElement("div"), table = document.createElement("table");
      scroll.className = "desk-grid";
      lines.forEach((line, row) => {
        const tr = table.insertRow(), tools = tr.insertCell(); // in front, so that they stay in sight
        tools.className = "desk-nowrap";
        if (row > 0) {
          tools.append(
            button("↑", `Move row ${row} up`, () => change(moved(row, -1)), row === 1), " ",
            button("↓", `Move row ${row} down`, () => change(moved(row, 1)), row === lines.length - 1), " ",
            button("×", `Remove row ${row}`, () => change(lines.filter((_, at) => at !== row)), lines.length - 1 <= ROWS[0]),
          );
        }
        line.forEach((_, column) => {
          const where = row === 0 ? (column === 0 ? "Corner" : `Column ${column}`) : column === 0 ? `Row ${row}` : `Row ${row}, column ${column}`;
          tr.insertCell().append(input(row, column, where));
        });
      });
      const last = table.insertRow();
      last.insertCell();
      lines[0].forEach((_, column) => {
        const cell = last.insertCell();
        if (column > 0) cell.append(button("×", `Remove column ${column}`, () => change(lines.map((line) => line.filter((_, at) => at !== column))), width - 1 <= COLUMNS[0]));
      });
      const tools = document.createElement("div");
      tools.className = "desk-grid-tools";
      tools.append(
        button("Add a row", "Add a row", () => change([...lines, Array(width).fill("")]), lines.length - 1 >= ROWS[1]),
        button("Add a column", "Add a column", () => change(lines.map((line) => [...line, ""])), width - 1 >= COLUMNS[1]),
        button("Remove the comparison", "Remove the comparison", () => change([])),
      );
      scroll.append(table);
      box.append(scroll, tools);
    }

    area.hidden = true;
    area.style.display = "none";
    area.after(box);
    draw();
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("textarea[data-grid]").forEach(enhance));
})();
