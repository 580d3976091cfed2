// The panel: all that is known of a cell, of a tool, or of a policy.
const unpacked = new Map();

// runsOf unpacks what the tries of a tool's cells came to, once.
async function runsOf(tool) {
  if (!unpacked.has(tool)) {
    const packed = Uint8Array.from(atob(data.runs[tool]), c => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    unpacked.set(tool, new Response(stream).json());
  }
  return unpacked.get(tool);
}

const panel = document.getElementById("panel");

function showPanel(...children) {
  panel.replaceChildren();
  fill(panel, {}, [
    h("button", {class: "plain close", onclick: () => go({cell: "", run: ""}), "aria-label": "Close", title: "Escape"}, "✕"),
    children,
  ]);
  panel.hidden = false;
}

function facts(...pairs) {
  return h(
    "dl",
    {class: "facts"},
    pairs.filter(p => p[1]).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

function link(address) {
  return /^https?:\/\//.test(address || "") ? h("a", {href: address, rel: "noreferrer noopener"}, address) : address;
}

function spread(x, words) {
  return x.median ? `${words(x.median)}` + (x.high > x.low ? ` (${words(x.low)} to ${words(x.high)})` : "") : "";
}

function proofs(phase) {
  if (!phase.proofs || !phase.proofs.length) return h("p", {class: "faint"}, "None were tried.");
  return h(
    "table",
    {class: "list"},
    h(
      "tr",
      {},
      ["probe, without a tool", "expected", "came to", ""].map(t => h("th", {}, t)),
    ),
    phase.proofs.map(p =>
      h(
        "tr",
        {},
        h("td", {}, p.probe, p.control && h("span", {class: "faint"}, " (control)")),
        h("td", {}, p.expected),
        h("td", {}, p.outcome),
        h("td", {class: p.held ? "held" : "failed"}, p.held ? "✓" : "✗"),
      ),
    ),
  );
}

const percent = x => Math.round(100 * x) + " %";

async function showCell(cell, number) {
  const tool = data.tools.findIndex(t => t.name === cell.tool),
    phase = phaseOf(cell),
    t = data.tools[tool];
  let runs = [];
  try {
    runs = (await runsOf(tool))[cellsOf(tool).indexOf(cell)] || [];
  } catch (e) {
    console.error(e);
  }
  if (state.cell !== nameOf(cell)) return; // another was opened meanwhile
  const change = changes.get(nameOf(cell));
  const failed = runs.findIndex(r => r.kind !== "ok");
  const at = Math.min(number > 0 ? number - 1 : Math.max(failed, 0), Math.max(runs.length - 1, 0));
  showPanel(
    h("h2", {}, cell.tool, h("span", {class: "faint"}, " @ "), columnOf(phase)),
    h(
      "p",
      {},
      h("span", {class: "pill s-" + cell.status}, look[cell.status] + " " + cell.status),
      change && h("span", {class: "faint"}, `  ${change.change}: was ${change.was || "not there"}`),
    ),
    cell.why && h("div", {class: "why"}, cell.why),
    facts(
      ["goal", cell.goal],
      [
        "reached",
        cell.tries
          ? `${cell.reached} of ${cell.tries} tries` +
            (cell.interval ? `, with 95 % confidence ${percent(cell.interval[0])} to ${percent(cell.interval[1])}` : "")
          : "",
      ],
      ["flakes", cell.flakes || ""],
      ["handshake", spread(cell.handshake_ms, ms)],
      ["first byte", spread(cell.first_byte_ms, ms)],
      ["policy", `${phase.policy}, ${phase.date}`],
      ["", phase.about],
      ["chance", phase.chance && "the policy has rules that hit by chance"],
      ["version", t.version],
      ["scenario", `${cell.scenario}, phase ${cell.phase}`],
    ),
    cell.tries ? [h("h3", {}, "speed"), speeds(cell, runs)] : null,
    runs.length ? h("h3", {}, "tries") : null,
    h(
      "div",
      {class: "tabs", role: "tablist"},
      runs.map((r, i) =>
        h(
          "button",
          {class: "plain", role: "tab", "aria-selected": String(i === at), onclick: () => go({run: i + 1})},
          h("span", {class: r.kind === "ok" ? "held" : "failed"}, r.kind === "ok" ? "✓ " : "✗ "),
          `${i + 1}: ${r.outcome}`,
        ),
      ),
    ),
    runs.length ? runDetails(runs[at]) : null,
    h("h3", {}, "what the policy does without a tool"),
    phase.broken && h("div", {class: "why"}, phase.broken),
    proofs(phase),
  );
}

function runDetails(run) {
  const flows = run.flows || [],
    kept = flows.filter(f => f.packets && f.packets.length);
  const worst = Math.max(
    0,
    kept.findIndex(f => f.packets.some(p => p.did)),
  );
  return h(
    "div",
    {},
    h("h3", {}, "timeline"),
    timeline(run),
    facts(
      ["seed", run.seed],
      ["handshake", run.handshake_ms && ms(run.handshake_ms)],
      ["first byte", run.first_byte_ms && ms(run.first_byte_ms)],
      ["goodput", run.goodput_bps && bits(run.goodput_bps)],
      ["captures", run.kept],
    ),
    (run.leaks || []).length
      ? [
          h("h3", {}, "leaks"),
          h(
            "ul",
            {},
            run.leaks.map(l => h("li", {class: "failed"}, l)),
          ),
        ]
      : null,
    h("h3", {}, "rules that hit"),
    hits(run.hits || []),
    h("h3", {}, "flows"),
    flows.length
      ? h(
          "table",
          {class: "list"},
          h(
            "tr",
            {},
            ["flow", "to", "up", "down", "dropped"].map((t, i) => h("th", {class: i > 1 && "num"}, t)),
          ),
          flows.map(f =>
            h(
              "tr",
              {},
              h("td", {class: "mono"}, `${f.transport} ${f.client} → ${f.server}`),
              h("td", {}, f.to),
              h("td", {class: "num"}, `${f.up} · ${bytes(f.up_bytes)}`),
              h("td", {class: "num"}, `${f.down} · ${bytes(f.down_bytes)}`),
              h("td", {class: "num" + (f.dropped ? " failed" : "")}, f.dropped || "–"),
            ),
          ),
        )
      : h("p", {class: "faint"}, "Nothing crossed the box."),
    kept.length ? h("h3", {}, "packets at the box") : null,
    kept
      .slice(0, 30)
      .map((f, i) =>
        h(
          "details",
          {open: i === worst},
          h("summary", {class: "mono"}, `${f.transport} ${f.client} → ${f.server}`),
          ladder(f),
          f.up + f.down > f.packets.length && h("p", {class: "faint"}, `${f.packets.length} of ${f.up + f.down} packets`),
        ),
      ),
    run.log ? [h("h3", {}, "log of the tool"), h("pre", {}, run.log)] : null,
  );
}

function hits(all) {
  if (!all.length) return h("p", {class: "faint"}, "None: the box let all be.");
  return h(
    "table",
    {class: "list"},
    h(
      "tr",
      {},
      ["time", "rule", "what it does", "flow"].map(t => h("th", {}, t)),
    ),
    all.map(x =>
      h(
        "tr",
        {},
        h("td", {}, x.ms.toFixed(1) + " ms"),
        h("td", {}, x.rule, h("div", {class: "faint"}, x.policy)),
        h("td", {}, x.mechanism, h("div", {class: "faint"}, "source: " + x.source)),
        h("td", {}, h("span", {class: "mono"}, x.flow), h("div", {class: "faint"}, `packet ${x.packet}` + (x.name ? `, ${x.name}` : ""))),
      ),
    ),
  );
}

// overview is the list of cells of a tool or of a policy.
function overview(cells, name) {
  return h(
    "table",
    {class: "list"},
    cells.map(c =>
      h(
        "tr",
        {},
        h(
          "td",
          {},
          h(
            "a",
            {
              href: "#",
              onclick: e => {
                e.preventDefault();
                go({cell: nameOf(c), run: ""});
              },
            },
            name(c),
          ),
        ),
        h("td", {}, h("span", {class: "pill s-" + c.status}, look[c.status] + " " + c.status)),
        h("td", {}, c.why || ""),
      ),
    ),
  );
}

function showTool(i) {
  const t = data.tools[i];
  showPanel(
    h("h2", {}, t.name),
    h("p", {}, t.about),
    facts(["link", link(t.link)], ["version", t.version], ["missing", (t.missing || []).join("; ")]),
    h("h3", {}, "cells"),
    overview(cellsOf(i), c => columnOf(phaseOf(c))),
  );
}

function showPhase(phase) {
  showPanel(
    h("h2", {}, columnOf(phase)),
    h("p", {}, phase.about),
    facts(
      ["date", phase.date],
      ["policy", phase.policy],
      ["scenario", `${phase.scenario}, phase ${phase.name}`],
      ["chance", phase.chance && "it has rules that hit by chance"],
    ),
    h("h3", {}, "without a tool"),
    phase.broken && h("div", {class: "why"}, phase.broken),
    proofs(phase),
    h("h3", {}, "cells"),
    overview(
      data.cells.filter(c => phaseOf(c) === phase),
      c => c.tool,
    ),
  );
}
