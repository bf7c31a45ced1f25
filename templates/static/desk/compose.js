// The compose pages work without this file; it adds counters, the live inbox row, up and down buttons, and a guard
// for unsaved words.
(() => {
    "use strict";

    // --- Counters: data-compose-count is the limit, data-compose-advice what an inbox shows ---------------------
    const counted = (field) => {
        const limit = Number(field.dataset.composeCount);
        const advice = Number(field.dataset.composeAdvice || 0);
        const label = document.createElement("span");
        label.className = "compose-count";
        label.id = `${field.id}_count`;
        field.setAttribute("aria-describedby", [field.getAttribute("aria-describedby"), label.id].filter(Boolean).join(" "));
        field.insertAdjacentElement("afterend", label);
        const tell = () => {
            const length = [...field.value].length;
            const shown = advice ? `; inboxes show about ${advice}` : "";
            label.textContent = `${length} of ${limit} characters${shown}`;
            label.classList.toggle("compose-over", length > limit);
        };
        field.addEventListener("input", tell);
        tell();
    };

    // --- The inbox row says what is typed ----------------------------------------------------------------------
    const mirrored = (place) => {
        const field = document.getElementById(`id_${place.dataset.composeMirror}`);
        if (!field) return;
        field.addEventListener("input", () => { place.textContent = field.value; });
    };

    // --- Verbs act on what is saved, so they wait while something is not ---------------------------------------
    const guarded = (bar) => {
        const form = document.getElementById("edition_form");
        if (!form) return;
        const note = bar.querySelector("[data-compose-unsaved]");
        const unsaved = () => {
            note.textContent = "You have unsaved changes: save them first.";
            bar.querySelectorAll("[data-compose-acts]").forEach((button) => { button.disabled = true; });
            bar.querySelectorAll("[data-compose-leaves]").forEach((link) => { link.setAttribute("aria-disabled", "true"); });
        };
        form.addEventListener("input", unsaved);
        form.addEventListener("change", unsaved);
        form.addEventListener("compose:moved", unsaved);
        const places = () => [...form.querySelectorAll("input[name$='-position']")].map((input) => input.value).join();
        const before = places();
        form.addEventListener("pointerup", () => setTimeout(() => { if (places() !== before) unsaved(); }, 50));
    };

    // --- Up and down, for those who do not drag ----------------------------------------------------------------
    const rows = (table) => [...table.querySelectorAll("tbody.form-group.original")];
    const number = (table) => rows(table).forEach((row, index) => {
        row.querySelector("input[name$='-position']").value = index;
        const [up, down] = row.querySelectorAll(".compose-moves button");
        up.disabled = index === 0;
        down.disabled = index === rows(table).length - 1;
    });
    const move = (table, row, step) => {
        const all = rows(table);
        const other = all[all.indexOf(row) + step];
        if (!other) return;
        if (step < 0) other.before(row); else other.after(row);
        number(table);
        row.querySelector(".compose-headline").dispatchEvent(new CustomEvent("compose:moved", { bubbles: true }));
    };
    const orderable = (table) => {
        rows(table).forEach((row) => {
            const headline = row.querySelector(".compose-headline");
            if (!headline || !row.querySelector("input[name$='-position']")) return;
            const moves = document.createElement("span");
            moves.className = "compose-moves";
            [["Up", -1], ["Down", 1]].forEach(([label, step]) => {
                const button = document.createElement("button");
                button.type = "button";
                button.textContent = label;
                button.setAttribute("aria-label", `${label}: ${headline.textContent}`);
                button.addEventListener("click", () => { move(table, row, step); button.focus(); });
                moves.append(button);
            });
            headline.parentElement.append(moves);
        });
        if (table.querySelector(".compose-moves")) number(table);
    };

    // --- The picker ----------------------------------------------------------------------------------------------
    const picker = (form) => {
        const boxes = [...form.querySelectorAll("input[name=story]:not([disabled])")];
        const all = form.querySelector("[data-compose-all]");
        const told = form.querySelector("[data-compose-ticked]");
        all.closest("label").hidden = boxes.length === 0;
        const tell = () => {
            const ticked = boxes.filter((box) => box.checked).length;
            told.textContent = ticked ? `${ticked} ticked` : "";
            all.checked = ticked > 0 && ticked === boxes.length;
        };
        all.addEventListener("change", () => { boxes.forEach((box) => { box.checked = all.checked; }); tell(); });
        boxes.forEach((box) => box.addEventListener("change", tell));
        tell();
    };

    // --- What cannot be undone asks once ------------------------------------------------------------------------
    // Listened for on the page, since buttons come and go with a campaign's live part.
    document.addEventListener("click", (event) => {
        const button = event.target.closest("[data-compose-sure]");
        if (button && !window.confirm(button.dataset.composeSure)) event.preventDefault();
    });

    document.addEventListener("DOMContentLoaded", () => {
        document.querySelectorAll("[data-compose-count]").forEach(counted);
        document.querySelectorAll("[data-compose-mirror]").forEach(mirrored);
        document.querySelectorAll("#items-data").forEach(orderable);
        document.querySelectorAll("[data-compose-bar]").forEach(guarded);
        document.querySelectorAll("[data-compose-picker]").forEach(picker);
    });
})();
