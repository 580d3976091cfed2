"use strict";
// What is drawn: everything that came from outside goes into the page as text, never as markup.
const SVG = "http://www.w3.org/2000/svg";

// h makes an element: h("td", {class: "n", onclick: f}, "text", child, ...).
function h(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function s(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false || child === "") continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

const plural = (n, one, more) => `${n} ${n === 1 ? one : more}`;

function bits(rate) {
  if (!rate) return "–";
  for (const [unit, of] of [
    ["Gbit/s", 1e9],
    ["Mbit/s", 1e6],
    ["kbit/s", 1e3],
  ]) {
    if (rate >= of) return (rate / of).toFixed(rate / of < 10 ? 1 : 0) + " " + unit;
  }
  return rate.toFixed(0) + " bit/s";
}

function bytes(n) {
  return n >= 1e6 ? (n / 1e6).toFixed(1) + " MB" : n >= 1e3 ? (n / 1e3).toFixed(1) + " kB" : n + " B";
}

function ms(x) {
  return x ? (x >= 1000 ? (x / 1000).toFixed(2) + " s" : x.toFixed(x < 10 ? 1 : 0) + " ms") : "–";
}

// ticks are round numbers from 0 to the most.
function ticks(most, count) {
  const rough = most / count,
    base = 10 ** Math.floor(Math.log10(rough || 1));
  const step = [1, 2, 5, 10].find(x => x * base >= rough) * base;
  const all = [];
  for (let x = 0; x <= most * 1.0001 && all.length < 50; x += step) all.push(x);
  return all;
}

const kind = p => (["dropped", "rewritten", "sent", "held"].includes(p.did) ? p.did : "passed");

// timeline draws when what crossed the box: a lane a flow, packets up above its line and down below it, and where rules hit.
function timeline(run) {
  const flows = (run.flows || []).filter(f => f.packets && f.packets.length).slice(0, 20);
  const hits = run.hits || [];
  const times = [...flows.flatMap(f => f.packets.map(p => p.ms)), ...hits.map(x => x.ms), run.handshake_ms || 0, run.first_byte_ms || 0];
  if (!flows.length && !hits.length) return h("p", {class: "faint"}, "The packets of this try were not kept.");
  const left = 178,
    width = 716,
    lane = 40,
    top = 18,
    most = Math.max(...times, 1) * 1.03,
    height = top + flows.length * lane + 30;
  const x = t => left + (t / most) * (width - left - 12);
  const out = s("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "when packets crossed the box"});
  for (const t of ticks(most, 7)) {
    out.append(
      s("line", {class: "rail", x1: x(t), x2: x(t), y1: top - 6, y2: height - 22}),
      s("text", {class: "faint", x: x(t), y: height - 8, "text-anchor": "middle"}, t >= 1000 ? t / 1000 + " s" : t + " ms"),
    );
  }
  flows.forEach((f, i) => {
    const y = top + i * lane + lane / 2;
    const label = `${f.transport} ${f.to || f.server}`;
    out.append(
      s("text", {x: 0, y: y - 2}, label.length > 27 ? label.slice(0, 26) + "…" : label),
      s("text", {class: "faint", x: 0, y: y + 11}, `${f.up} up, ${f.down} down` + (f.dropped ? `, ${f.dropped} dropped` : "")),
      s("line", {class: "rail strong", x1: left, x2: width - 12, y1: y, y2: y}),
    );
    for (const p of f.packets) {
      const size = 5 + 11 * Math.min(1, p.len / 1500);
      const tick = s("line", {
        class: "d-" + kind(p),
        x1: x(p.ms),
        x2: x(p.ms),
        y1: y,
        y2: p.up ? y - size : y + size,
        "stroke-width": kind(p) === "passed" ? 1.5 : 2.5,
      });
      tick.append(
        s("title", {}, `${p.ms.toFixed(1)} ms ${p.up ? "up" : "down"}: ${p.what} (${p.len} bytes)` + (p.did ? ", " + p.did : "")),
      );
      out.append(tick);
    }
  });
  for (const hit of hits.slice(0, 40)) {
    const mark = s("path", {class: "d-dropped", d: `M${x(hit.ms)} ${top - 4}l-5 -9h10z`});
    mark.append(s("title", {}, `${hit.ms.toFixed(1)} ms: rule ${hit.rule} (${hit.policy}), ${hit.mechanism}`));
    out.append(s("line", {class: "d-dropped dash", x1: x(hit.ms), x2: x(hit.ms), y1: top - 4, y2: height - 22}), mark);
  }
  return h("div", {}, h("div", {class: "draw"}, out), legend());
}

function legend() {
  return h(
    "div",
    {class: "legend"},
    ["passed", "dropped", "rewritten", "sent", "held"].map(k =>
      h("span", {}, h("i", {class: "l-" + k}), k === "sent" ? "sent by the box" : k),
    ),
    h("span", {}, "▼ a rule hit"),
  );
}

// ladder draws a flow packet by packet: client, box, server.
function ladder(flow) {
  const packets = flow.packets || [],
    row = 19,
    top = 30,
    width = 716,
    a = 62,
    box = 330,
    b = 598;
  const height = top + packets.length * row + 12;
  const out = s("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "packets of the flow"});
  for (const [x, name] of [
    [a, flow.client],
    [box, "box"],
    [b, flow.server],
  ]) {
    out.append(
      s("text", {x, y: 14, "text-anchor": x === a ? "start" : x === b ? "end" : "middle", class: "mono"}, name),
      s("line", {class: x === box ? "rail strong" : "rail", x1: x, x2: x, y1: 20, y2: height - 4, "stroke-width": x === box ? 3 : 1}),
    );
  }
  packets.forEach((p, i) => {
    const y = top + i * row + 8,
      did = kind(p),
      from = p.up ? a : b,
      to = p.up ? b : a;
    const line = (x1, x2, c) => out.append(s("line", {class: c, x1, x2, y1: y, y2: y, "stroke-width": 1.4}));
    const head = (x, c) => out.append(s("path", {class: c, d: to > from ? `M${x} ${y}l-7 -3.5v7z` : `M${x} ${y}l7 -3.5v7z`}));
    if (did !== "sent") line(from, box, did === "dropped" ? "d-dropped" : "d-passed");
    if (did === "dropped") {
      out.append(s("path", {class: "d-dropped", d: `M${box - 5} ${y - 5}l10 10m0 -10l-10 10`, "stroke-width": 2}));
    } else {
      line(box, to, "d-" + did);
      head(to, "d-" + did);
    }
    const middle = did === "sent" ? (box + to) / 2 : (from + box) / 2;
    const what = p.what.length > 34 ? p.what.slice(0, 33) + "…" : p.what;
    const note = s("text", {x: middle, y: y - 3, "text-anchor": "middle"}, what);
    note.append(s("title", {}, `${p.what}, ${p.len} bytes` + (p.rule ? `, rule ${p.rule}` : "")));
    out.append(
      s("text", {class: "faint mono", x: a - 8, y: y + 3, "text-anchor": "end"}, p.ms.toFixed(1)),
      note,
      s("text", {class: "faint mono", x: width, y: y + 3, "text-anchor": "end"}, `${p.len} B`),
    );
    if (did !== "passed") {
      const x = did === "sent" ? (from + box) / 2 : (box + to) / 2;
      out.append(
        s(
          "text",
          {class: "d-" + did, x, y: did === "dropped" || did === "sent" ? y + 4 : y - 3, "text-anchor": "middle"},
          did + (p.rule ? " by " + p.rule : ""),
        ),
      );
    }
  });
  return h("div", {class: "draw"}, out);
}

// speeds draws what tries reached beside what the tool does without a box, and what the line gives without a tool.
function speeds(cell, runs) {
  const rows = [
    ["line, no tool, no box", cell.direct_bps, [], "f-faint"],
    ["tool, no box", cell.reference_bps, [], "f-broken"],
    ["tool, through the box", cell.goodput_bps, runs.map(r => r.goodput_bps || 0), "f-open"],
  ];
  const most = Math.max(...rows.flatMap(r => [r[1].high, ...r[2]])) * 1.06;
  if (!(most > 0)) return h("p", {class: "faint"}, "No try got far enough to have a speed.");
  const left = 150,
    width = 716,
    row = 34,
    top = 8,
    height = top + rows.length * row + 26;
  const x = v => left + (v / most) * (width - left - 90);
  const out = s("svg", {viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": "goodput"});
  for (const t of ticks(most, 5)) {
    out.append(
      s("line", {class: "rail", x1: x(t), x2: x(t), y1: top, y2: height - 22}),
      s("text", {class: "faint", x: x(t), y: height - 8, "text-anchor": "middle"}, t ? bits(t) : "0"),
    );
  }
  rows.forEach(([name, spread, points, colour], i) => {
    const y = top + i * row + row / 2;
    out.append(s("text", {x: 0, y: y + 4}, name));
    if (spread.median) {
      out.append(
        s("rect", {
          class: colour,
          x: x(spread.low),
          y: y - 6,
          width: Math.max(2, x(spread.high) - x(spread.low)),
          height: 12,
          rx: 3,
          "fill-opacity": 0.3,
          "stroke-opacity": 0,
        }),
        s("line", {class: colour, x1: x(spread.median), x2: x(spread.median), y1: y - 9, y2: y + 9, "stroke-width": 3}),
        s("text", {x: x(spread.high) + 8, y: y + 4}, bits(spread.median)),
      );
    }
    for (const p of points)
      out.append(
        p > 0 ? s("circle", {class: colour, cx: x(p), cy: y, r: 3.5}) : s("text", {class: "d-dropped", x: left - 4, y: y + 4}, "✗"),
      );
  });
  if (cell.reference_bps.median) {
    const third = x(cell.reference_bps.median / 3);
    out.append(
      s("line", {class: "d-rewritten dash", x1: third, x2: third, y1: top, y2: height - 22}),
      s("text", {class: "d-rewritten", x: third + 4, y: top + 8}, "a third: below is degraded"),
    );
  }
  return h("div", {class: "draw"}, out);
}
