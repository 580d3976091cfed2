// The grid: a row a tool, a column a policy.
const look = {open: "✓", degraded: "◐", blocked: "✗", leak: "!", broken: "?", skipped: "–"};
const statuses = Object.keys(look);
const columnOf = p => (p.name === p.policy || !p.name ? p.policy : p.scenario + "/" + p.name);
const phaseOf = c => phases.get(c.scenario + "/" + c.phase);
const nameOf = c => c.tool + "@" + columnOf(phaseOf(c));

const grid = document.getElementById("grid");

// wanted tells whether one of the words, divided by commas, is in the text; no words want everything.
function wanted(words, text) {
  const all = words
    .toLowerCase()
    .split(",")
    .map(w => w.trim())
    .filter(Boolean);
  return !all.length || all.some(w => text.toLowerCase().includes(w));
}

function textOf(c) {
  return [c.tool, columnOf(phaseOf(c)), c.status, c.why, c.goal].join(" ");
}

function drawGrid() {
  const tools = data.tools.map((t, i) => i).filter(i => wanted(state.tool, data.tools[i].name));
  const columns = data.phases.filter(p => wanted(state.policy, columnOf(p)));
  const matches = c => c && !state.off.has(c.status) && wanted(state.q, textOf(c));
  const narrowed = state.q || state.off.size;
  const rows = tools.map(i => ({i, cells: columns.map(p => cellAt(i, p))})).filter(r => !narrowed || r.cells.some(matches));
  const shown = columns.map((p, j) => !narrowed || rows.some(r => matches(r.cells[j])));
  const keep = list => list.filter((_, j) => shown[j]);
  const all = rows.flatMap(r => keep(r.cells)).filter(matches);
  document.getElementById("count").textContent = `${all.length} of ${data.cells.length} cells`;
  if (!rows.length || !columns.length) {
    grid.replaceChildren(
      h(
        "p",
        {class: "none"},
        "No cell is like that. ",
        h("button", {class: "plain", onclick: () => go({tool: "", policy: "", q: "", off: new Set()})}, "Show all"),
      ),
    );
    return;
  }
  const head = h(
    "tr",
    {},
    h("th", {scope: "col"}, h("span", {class: "faint"}, plural(rows.length, "tool", "tools"))),
    keep(columns).map(p =>
      h(
        "th",
        {scope: "col"},
        h(
          "button",
          {title: `${p.date}  ${p.about}`, onclick: () => go({cell: "@" + columnOf(p), run: ""})},
          (p.broken ? "⚠ " : "") + columnOf(p),
        ),
      ),
    ),
    h("th", {class: "n", scope: "col"}, "open"),
  );
  const body = rows.map(r =>
    h(
      "tr",
      {},
      h(
        "th",
        {scope: "row"},
        h("button", {title: data.tools[r.i].about, onclick: () => go({cell: data.tools[r.i].name + "@", run: ""})}, data.tools[r.i].name),
      ),
      keep(r.cells).map(c => h("td", {}, c ? cellButton(c, matches(c)) : null)),
      h("td", {class: "n"}, share(r.cells)),
    ),
  );
  const foot = h(
    "tr",
    {},
    h("th", {scope: "row"}, "open"),
    keep(columns).map(p => {
      const tried = rows.map(r => cellAt(r.i, p)).filter(c => c && c.status !== "skipped");
      return h(
        "td",
        {title: `${tried.filter(c => c.status === "open").length} of ${tried.length} open`},
        tried.length ? Math.round((100 * tried.filter(c => c.status === "open").length) / tried.length) + "%" : "–",
      );
    }),
    h("td", {}),
  );
  grid.replaceChildren(h("table", {class: "grid"}, h("thead", {}, head), h("tbody", {}, body), h("tfoot", {}, foot)));
  const first = grid.querySelector(".cell");
  if (first) first.tabIndex = 0;
  markCurrent();
}

function share(cells) {
  const tried = cells.filter(c => c && c.status !== "skipped");
  return tried.length ? `${tried.filter(c => c.status === "open").length}/${tried.length}` : "skipped";
}

function cellButton(c, matching) {
  const change = changes.get(nameOf(c));
  const marked = change && (change.failed || change.change === "pass");
  const name = [
    "cell",
    "s-" + c.status,
    c.flakes > 0 && "flaky",
    !matching && "away",
    marked && "changed",
    marked && change.change === "pass" && "pass",
  ]
    .filter(Boolean)
    .join(" ");
  const words =
    `${nameOf(c)}: ${c.status}` + (c.flakes ? `, reached in ${c.reached} of ${c.tries} tries` : "") + (c.why ? `\n${c.why}` : "");
  return h(
    "button",
    {class: name, tabindex: -1, "data-cell": nameOf(c), title: words, "aria-label": words, onclick: () => go({cell: nameOf(c), run: ""})},
    look[c.status],
  );
}

// markCurrent shows which cell is open.
function markCurrent() {
  for (const b of grid.querySelectorAll('.cell[aria-current="true"]')) b.removeAttribute("aria-current");
  const b = buttonOf(state.cell);
  if (b) b.setAttribute("aria-current", "true");
}

const buttonOf = name => [...grid.querySelectorAll(".cell")].find(b => b.dataset.cell === name);

// Arrows walk over the cells; the one that was focused last is where Tab comes back to.
grid.addEventListener("keydown", e => {
  const step = {ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1e6], End: [0, 1e6]}[e.key];
  if (!step || !e.target.classList.contains("cell")) return;
  e.preventDefault();
  const td = e.target.parentElement,
    rows = [...td.closest("tbody").rows];
  const clamp = (x, most) => Math.max(0, Math.min(most, x));
  const row = rows[clamp(rows.indexOf(td.parentElement) + step[0], rows.length - 1)];
  const next = row.cells[clamp(td.cellIndex + step[1], row.cells.length - 2) || 1];
  const b = next && next.querySelector(".cell");
  if (!b) return;
  e.target.tabIndex = -1;
  b.tabIndex = 0;
  b.focus();
});
