// Filters the table of proposals. Without this script the table is there all the same, page by page; with it, all of
// `catalog` (proposals.js) is looked through. What was asked for stands in the address, so that it can be linked to.
"use strict";

const MOST = 500; // rows shown at once
const form = document.getElementById("filter");
const rows = document.getElementById("rows");
const paging = document.getElementById("paging");
const fields = ["text", "state", "trick"].map((name) => document.getElementById(name));

if (form && rows && typeof catalog !== "undefined") {
  const written = [...rows.children];
  const all = catalog.rows.map(([number, rest, title, state, cost, date, fidelity, tricks, page]) => {
    const named = tricks.map((trick) => catalog.tricks[trick]);
    return {
      number, title, cost, date, page,
      stem: number + rest,
      state: catalog.states[state],
      fidelity: catalog.fidelities[fidelity],
      tricks: named,
      text: [number + rest, title, ...named].join(" ").toLowerCase(),
    };
  });

  const element = (name, text, kind) => {
    const made = document.createElement(name);
    made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };

  // the same row as templates/site/index.html.j2 writes
  const shown = (one) => {
    const row = document.createElement("tr");
    const title = element(one.page ? "a" : "span", one.title);
    if (one.page) title.href = `proposals/${encodeURIComponent(one.stem)}.html`;
    const state = element("span", one.state, `state ${one.state.toLowerCase().replaceAll(" ", "-")}`);
    const cells = [[one.number], [title, element("small", one.tricks.join(", "))], [state], [one.cost], [one.date], [one.fidelity]];
    for (const inside of cells) {
      const cell = document.createElement("td");
      cell.append(...inside);
      row.append(cell);
    }
    return row;
  };

  const apply = () => {
    const [text, state, trick] = fields.map((field) => field.value.trim());
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    const asked = words.length > 0 || state || trick;
    const found = all.filter((one) =>
      (!state || one.state === state) && (!trick || one.tricks.includes(trick)) && words.every((word) => one.text.includes(word)));
    rows.replaceChildren(...(asked ? found.slice(0, MOST).map(shown) : written));
    if (paging) paging.hidden = Boolean(asked);
    const of = `${found.length.toLocaleString("en")} of ${all.length.toLocaleString("en")}`;
    document.getElementById("found").textContent = asked && found.length > MOST ? `${of}; the first ${MOST} are shown` : of;
    const address = new URLSearchParams(fields.filter((field) => field.value).map((field) => [field.id, field.value]));
    history.replaceState(null, "", asked ? `#${address}` : location.pathname);
  };

  const fromAddress = () => {
    const address = new URLSearchParams(location.hash.slice(1));
    for (const field of fields) field.value = address.get(field.id) ?? "";
    apply();
  };

  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply)); // after the fields are empty
  addEventListener("hashchange", fromAddress);
  fromAddress();
}
