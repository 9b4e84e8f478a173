// Draws a picture as SVG: dagre lays it out, and every node is a button that a keyboard reaches.

import dagre from "@dagrejs/dagre";
import { svg, plural } from "./dom";
import type { Edge, Graph, Line, Picture, Shown } from "./graph";

// Sizes in pixels at a zoom of one.
const font = 13;
const small = 10.5;
const lineHeight = 17;
const widest = 210;
const padding = 11;
const mostLines = 4;

const families = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";
const measure = (() => {
  const context = document.createElement("canvas").getContext("2d")!;
  return (text: string, size: number) => {
    context.font = `${size}px ${families}`;
    return context.measureText(text).width;
  };
})();

// shapeOf is the look of a kind. The kind also stands on the node in words.
export function shapeOf(kind: string): string {
  switch (kind) {
    case "user":
    case "service_principal":
    case "principal":
    case "unknown":
      return "person";
    case "group":
      return "group";
    case "workspace":
    case "metastore":
    case "account":
    case "outside":
      return "place";
    case "role":
    case "risk":
      return "power";
    default:
      return "thing";
  }
}

export function kindWords(kind: string): string {
  return kind.replaceAll("_", " ");
}

// wrap breaks a name where it has a natural break, and else anywhere. What does not fit in the lines
// there are is marked; the panel has the whole name.
function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const part of text.slice(0, 400).split(/(?<=[\s./@_:-])/u)) {
    for (const piece of measure(part, font) > widest ? [...part] : [part]) {
      if (line && measure(line + piece, font) > widest) {
        lines.push(line);
        line = "";
      }
      line += piece;
    }
  }
  lines.push(line);
  if (lines.length > mostLines || text.length > 400) {
    lines.length = Math.min(lines.length, mostLines);
    lines[lines.length - 1] = lines[lines.length - 1].slice(0, -1) + "…";
  }
  return lines;
}

// changeWords is a change in a sign and a word.
export function changeWords(change: string): string {
  return change ? `${({ added: "+", removed: "−", changed: "~" } as Record<string, string>)[change] ?? ""} ${change}`.trim() : "";
}

// changes is what a line says of its changes: what came and what went.
function changes(line: Line, edges: Edge[]): string {
  const whole = changeWords(line.change);
  if (line.change !== "changed" || edges.some((e) => e.change === "changed")) return `${whole} ${gives(edges)}`.trim();
  const signed = ["added", "removed"].map((c) => `${changeWords(c).slice(0, 1)} ${gives(edges.filter((e) => e.change === c))}`);
  return `${whole}: ${signed.join(", ")}`;
}

// title is a shown node in words.
export function title(g: Graph, n: Shown): string {
  const kind = kindWords(g.kind(n.members[0]));
  return n.bundle ? plural(n.members.length, kind) : g.name(n.members[0]);
}

function kicker(g: Graph, n: Shown): string {
  const kind = kindWords(g.kind(n.members[0]));
  if (n.bundle) return "same place";
  const parts = [kind, changeWords(g.change(n.members[0])), g.place(n.members[0]), n.hidden > 0 ? `${n.hidden.toLocaleString("en")} inside` : ""];
  const text = parts.filter(Boolean).join(" · ");
  return text.length > 48 ? text.slice(0, 47) + "…" : text;
}

// gives is what edges give together, in a few words.
export function gives(edges: Edge[]): string {
  const all = [...new Set(edges.flatMap((e) => e.gives ?? []))].sort();
  const shown = all.slice(0, 2).map((p) => (p.length > 26 ? p.slice(0, 25) + "…" : p));
  return shown.join(", ") + (all.length > 2 ? ` +${all.length - 2}` : "");
}

// labelled is up to how many lines there is room for words on each.
const labelled = 70;

export interface Drawn {
  element: SVGSVGElement;
  width: number;
  height: number;
  // centre of each node, by key.
  at: Map<string, { x: number; y: number }>;
}

export function draw(g: Graph, p: Picture, selected: string, bright: Set<string> | null, current: string): Drawn {
  const layout = new dagre.graphlib.Graph({ multigraph: false });
  layout.setGraph({ rankdir: "LR", nodesep: 14, ranksep: 56, edgesep: 10, marginx: 12, marginy: 12 });
  layout.setDefaultEdgeLabel(() => ({}));
  const faces = new Map<string, { lines: string[]; kicker: string }>();
  for (const n of p.nodes.values()) {
    const face = { lines: wrap(title(g, n)), kicker: kicker(g, n) };
    faces.set(n.key, face);
    const text = Math.max(...face.lines.map((l) => measure(l, font)), measure(face.kicker, small) + 6);
    const toggle = canOpen(n) || n.open ? 24 : 0;
    layout.setNode(n.key, { width: Math.ceil(text) + 2 * padding + toggle, height: face.lines.length * lineHeight + small + 2 * padding - 2 });
  }
  const words = p.lines.length <= labelled;
  const labels = new Map<Line, string>();
  for (const line of p.lines) {
    let text = words ? gives(line.edges.map((e) => g.edges[e])) : "";
    if (line.change) text = changes(line, words ? line.edges.map((e) => g.edges[e]) : []);
    if (line.severity) text = `▲ ${line.severity}${text ? " " + text : ""}`;
    if (line.absent) text = `✗ ${text || "missing"}`;
    labels.set(line, text);
    layout.setEdge(line.from, line.to, text ? { width: measure(text, small) + 8, height: 14, labelpos: "c" } : { width: 0, height: 0 });
  }
  dagre.layout(layout);
  const size = layout.graph() as { width?: number; height?: number };
  const width = Math.ceil(size.width ?? 0);
  const height = Math.ceil(size.height ?? 0);
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Access map: arrow keys move between nodes, Enter selects, plus and minus open and close" });
  root.append(
    svg(
      "defs",
      {},
      ...["", "critical", "high", "medium", "low", "added", "removed", "changed"].map((s) =>
        svg("marker", { id: "arrow" + s, class: "arrow " + s, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" }, svg("path", { d: "M0 0.8 7.2 4 0 7.2z" })),
      ),
    ),
  );
  const lines = svg("g", { class: "lines", "aria-hidden": "true" });
  const captions = svg("g", { class: "captions", "aria-hidden": "true" });
  for (const line of p.lines) {
    const edge = layout.edge(line.from, line.to);
    const holds = line.edges.length === 0;
    const classes = ["line", holds ? "holds" : "", looks(line), dim(bright, line.from, line.to), line.edges.some((e) => g.edges[e].gives) ? "right" : ""];
    lines.append(svg("path", { class: classes.filter(Boolean).join(" "), d: curve(edge.points), "marker-end": holds ? undefined : `url(#arrow${line.severity || line.change})` }));
    const text = labels.get(line);
    if (text && edge.x !== undefined && edge.y !== undefined) {
      const long = measure(text, small) + 6;
      captions.append(svg("rect", { class: "behind", x: edge.x - long / 2, y: edge.y - 7, width: long, height: 14 }));
      captions.append(svg("text", { class: ["caption", looks(line), dim(bright, line.from, line.to)].filter(Boolean).join(" "), x: edge.x, y: edge.y + 3.5 }, text));
    }
  }
  const nodes = svg("g", { class: "nodes" });
  const at = new Map<string, { x: number; y: number }>();
  for (const n of p.nodes.values()) {
    const box = layout.node(n.key);
    at.set(n.key, { x: box.x, y: box.y });
    nodes.append(drawNode(g, n, box, faces.get(n.key)!, n.key === selected, n.key === current, dim(bright, n.key)));
  }
  root.append(lines, captions, nodes);
  return { element: root, width, height, at };
}

// looks is the class of a line.
function looks(line: Line): string {
  return line.absent ? "absent" : line.severity || line.change;
}

export function canOpen(n: Shown): boolean {
  return n.bundle || n.hidden > 0;
}

function dim(bright: Set<string> | null, ...keys: string[]): string {
  if (!bright) return "";
  return keys.every((k) => bright.has(k)) ? "lit" : "dim";
}

function drawNode(g: Graph, n: Shown, box: { x: number; y: number; width: number; height: number }, face: { lines: string[]; kicker: string }, selected: boolean, current: boolean, dimmed: string): SVGGElement {
  const shape = n.bundle ? "bundle" : shapeOf(g.kind(n.members[0]));
  const x = box.x - box.width / 2;
  const y = box.y - box.height / 2;
  const opens = canOpen(n) || n.open;
  const whole = title(g, n);
  const seen = face.lines.join("");
  const state = n.open ? ", open" : canOpen(n) ? ", closed" : "";
  const e = svg("g", {
    class: ["node", shape, n.hit ? "hit" : "", selected ? "selected" : "", dimmed].filter(Boolean).join(" "),
    role: "button",
    tabindex: current ? 0 : -1,
    "data-key": n.key,
    "aria-pressed": selected ? "true" : "false",
    "aria-label": seen === whole ? `${whole} ${face.kicker}${state}` : `${seen} ${face.kicker}${state}, in full: ${whole.slice(0, 600)}`,
  });
  const radius = shape === "person" ? Math.min(22, box.height / 2) : shape === "group" || shape === "bundle" ? 10 : 3;
  if (n.bundle || shape === "group") e.append(svg("rect", { class: "behind", x: x + 4, y: y + 4, width: box.width, height: box.height, rx: radius }));
  e.append(svg("rect", { class: "face", x, y, width: box.width, height: box.height, rx: radius }));
  if (shape === "place" || shape === "thing" || shape === "power") e.append(svg("rect", { class: "edge", x, y, width: 4, height: box.height }));
  // In the order of the label, so that what is seen can be said to a computer that listens.
  const lines = face.lines.map((l, i) => svg("tspan", { x: x + padding, y: y + padding + small + 2 + (i + 0.72) * lineHeight }, l));
  e.append(svg("text", { class: "name" }, ...lines), " ", svg("text", { class: "kicker", x: x + padding, y: y + padding + small - 2 }, face.kicker));
  if (opens) {
    const cx = x + box.width - 15;
    e.append(svg("g", { class: "toggle", "data-toggle": n.key }, svg("circle", { cx, cy: box.y, r: 9 }), svg("path", { d: n.open ? `M${cx - 4} ${box.y}h8` : `M${cx - 4} ${box.y}h8M${cx} ${box.y - 4}v8` })));
  }
  return e;
}

// curve goes smoothly through the points that the layout gives.
function curve(points: { x: number; y: number }[]): string {
  const p = points.map(({ x, y }) => [Math.round(x * 10) / 10, Math.round(y * 10) / 10]);
  let d = `M${p[0][0]} ${p[0][1]}`;
  for (let i = 1; i < p.length - 1; i++) {
    const [x, y] = p[i];
    const [nx, ny] = i + 1 === p.length - 1 ? p[i + 1] : [(x + p[i + 1][0]) / 2, (y + p[i + 1][1]) / 2];
    d += `Q${x} ${y} ${nx} ${ny}`;
  }
  return p.length === 2 ? d + `L${p[1][0]} ${p[1][1]}` : d;
}
