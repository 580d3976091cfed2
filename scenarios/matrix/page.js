// The page as a whole: what is shown is what the address says behind its #.
const data = JSON.parse(document.getElementById("data").textContent);
for (const list of ["tools", "phases", "cells"]) data[list] ||= [];
const phases = new Map(data.phases.map(p => [p.scenario + "/" + p.name, p]));
const changes = new Map((data.changes || []).map(c => [c.cell, c]));
const at = new Map(data.cells.map(c => [JSON.stringify([c.tool, c.scenario, c.phase]), c]));
const cellAt = (tool, p) => at.get(JSON.stringify([data.tools[tool].name, p.scenario, p.name]));
const cellsOf = tool => data.cells.filter(c => c.tool === data.tools[tool].name);
const state = {tool: "", policy: "", q: "", cell: "", run: "", theme: "", off: new Set()};

function readAddress() {
  const words = new URLSearchParams(location.hash.slice(1));
  for (const key of ["tool", "policy", "q", "cell", "run", "theme"]) state[key] = words.get(key) || "";
  const only = words.get("status");
  state.off = new Set(only === null ? [] : statuses.filter(x => !only.split(",").includes(x)));
}

// go changes what is shown, and the address with it.
function go(change) {
  Object.assign(state, change);
  const words = new URLSearchParams();
  for (const key of ["tool", "policy", "q", "cell", "run", "theme"]) if (state[key]) words.set(key, state[key]);
  if (state.off.size) words.set("status", statuses.filter(x => !state.off.has(x)).join(","));
  const address = "#" + words.toString().replaceAll("%40", "@").replaceAll("%2F", "/");
  if ("cell" in change) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
  show("cell" in change || "run" in change);
}

function show(panelOnly) {
  const dark = state.theme ? state.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  if (!panelOnly) {
    drawBar();
    drawGrid();
  }
  markCurrent();
  showDetails();
}

function showDetails() {
  const [tool, column] = [state.cell.slice(0, state.cell.lastIndexOf("@")), state.cell.slice(state.cell.lastIndexOf("@") + 1)];
  const row = data.tools.findIndex(t => t.name === tool),
    phase = data.phases.find(p => columnOf(p) === column);
  const cell = row >= 0 && phase && cellAt(row, phase);
  if (cell) return showCell(cell, Number(state.run)).then(() => (panel.scrollTop = state.run ? panel.scrollTop : 0));
  if (state.cell && row >= 0 && !column) return showTool(row);
  if (state.cell && phase && !tool) return showPhase(phase);
  panel.hidden = true;
  panel.replaceChildren();
}

function drawHead() {
  const n = Object.fromEntries(statuses.map(x => [x, data.cells.filter(c => c.status === x).length]));
  const tried = data.cells.length - n.skipped;
  const more = statuses
    .filter(x => x !== "open" && n[x])
    .map(x => `${n[x]} ${x}`)
    .join(" · ");
  const day = new Date(data.started).toISOString().slice(0, 16).replace("T", " ") + " UTC";
  const minutes = data.seconds >= 120 ? Math.round(data.seconds / 60) + " min" : Math.round(data.seconds) + " s";
  document.title = `dpilab matrix: ${n.open} of ${tried} open`;
  fill(document.getElementById("head"), {}, [
    h(
      "div",
      {class: "top"},
      h("h1", {}, "dpilab matrix"),
      h("span", {class: "sum"}, `${n.open} of ${tried} open`),
      h("span", {class: "faint"}, more),
      h(
        "button",
        {
          class: "plain theme",
          title: "Light or dark",
          "aria-label": "Light or dark",
          onclick: () => go({theme: document.documentElement.dataset.theme === "dark" ? "light" : "dark"}),
        },
        "◐",
      ),
    ),
    h(
      "div",
      {class: "share", role: "img", "aria-label": more},
      statuses.filter(x => n[x]).map(x => bar(x, n[x])),
    ),
    h(
      "div",
      {class: "faint"},
      [
        `${plural(data.tools.length, "tool", "tools")} against ${plural(data.phases.length, "policy", "policies")}`,
        day,
        `${plural(data.repeat, "try", "tries")} a cell`,
        `seed ${data.seed}`,
        minutes,
        prefixed("dpilab", data.dpilab),
        prefixed("Linux", data.kernel),
        ...((data.shards || []).length ? [`shard ${data.shards.join(", ")}`] : []),
        ...(data.partial ? ["ended early: cells that it did not come to are skipped"] : []),
      ].join(" · "),
    ),
    drawChanges(),
  ]);
}

// prefixed says the name of a program before its version, once.
const prefixed = (name, version) => (version.startsWith(name) ? version : name + " " + version);

function bar(status, n) {
  const part = h("span", {class: "b-" + status, title: `${n} ${status}`});
  part.style.flexGrow = n;
  return part;
}

function drawChanges() {
  if (!data.against) return null;
  const all = data.changes || [],
    failed = all.filter(c => c.failed).length,
    passes = all.filter(c => c.change === "pass").length;
  if (!all.length) return h("div", {id: "changes", class: "faint"}, "Nothing has changed against the baseline.");
  return h(
    "details",
    {id: "changes", open: failed > 0},
    h(
      "summary",
      {class: failed ? "failed" : ""},
      "Against the baseline: " +
        [
          [failed, "regression"],
          [passes, "new pass"],
          [all.length - failed - passes, "other change"],
        ]
          .filter(x => x[0])
          .map(([n, word]) => `${n} ${word}${n === 1 ? "" : word.endsWith("s") ? "es" : "s"}`)
          .join(", "),
    ),
    h(
      "ul",
      {},
      all.map(c =>
        h(
          "li",
          {class: c.failed && "failed"},
          h(
            "a",
            {
              href: "#",
              onclick: e => {
                e.preventDefault();
                go({cell: c.cell, run: ""});
              },
            },
            c.cell,
          ),
          ` ${c.change}: ${c.was || "nothing"} → ${c.is || "gone"}`,
          c.why && h("span", {class: "faint"}, "  " + c.why),
        ),
      ),
    ),
  );
}

function drawBar() {
  const bar = document.getElementById("bar");
  if (bar.childElementCount) {
    for (const input of bar.querySelectorAll("input")) if (input !== document.activeElement) input.value = state[input.name];
    for (const b of bar.querySelectorAll(".chip")) b.setAttribute("aria-pressed", String(!state.off.has(b.dataset.status)));
    return;
  }
  const field = (name, words, wide) =>
    h("input", {
      name,
      value: state[name],
      placeholder: words,
      "aria-label": words,
      class: wide,
      type: "search",
      oninput: e => go({[name]: e.target.value}),
    });
  bar.append(
    field("q", "Search: rule, reason, name …", "wide"),
    field("tool", "Tools: xray, curl …"),
    field("policy", "Policies: 2026 …"),
    ...statuses
      .filter(x => data.cells.some(c => c.status === x))
      .map(x =>
        h(
          "button",
          {
            class: "chip",
            "data-status": x,
            "aria-pressed": String(!state.off.has(x)),
            title: "Click: show or hide. Double click: only these",
            onclick: () => {
              const off = new Set(state.off);
              off.has(x) ? off.delete(x) : off.add(x);
              go({off});
            },
            ondblclick: () => go({off: new Set(statuses.filter(y => y !== x))}),
          },
          h("span", {class: "dot b-" + x}),
          x,
        ),
      ),
    h("span", {class: "count", id: "count"}),
  );
}

addEventListener("hashchange", () => {
  readAddress();
  show();
});
addEventListener("popstate", () => {
  readAddress();
  show();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show());
addEventListener("keydown", e => {
  if (e.key === "Escape" && state.cell) {
    const b = buttonOf(state.cell);
    go({cell: "", run: ""});
    if (b) b.focus();
  }
  if (e.key === "/" && e.target.tagName !== "INPUT") {
    e.preventDefault();
    document.querySelector("#bar input").focus();
  }
});
readAddress();
drawHead();
show();
