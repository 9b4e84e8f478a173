// The map as values: which nodes are there, which of them are shown, and what stands for the others.
// Nothing here touches the page, and nothing is decided about access: edges are as the report has them.

import type { Facet } from "./state";

// The data as the report holds it; see formatters/drawing.go.
export interface Data {
  nodes: { k: string; n: string; i?: number; t?: string; m?: string; c?: string }[];
  edges: { f: number; o: number; k: string; g?: number; s?: string; w?: number; v?: string; t?: string; x?: boolean; c?: string }[];
  start: number[];
  lists: string[][];
}

export interface Edge {
  from: number;
  to: number;
  kind: string;
  gives?: string[]; // absent for what gives nothing by itself, such as a membership
  source: string;
  where?: string[]; // absent where that has no meaning
  severity: string;
  note: string;
  absent: boolean; // it is missing: drawn for what would have to be there
  change: string; // added, removed or changed, in a comparison
}

export interface Filter {
  query: string;
  facet: Partial<Record<Facet, string>>;
}

const severities = ["critical", "high", "medium", "low"];

// worse gives the worse of two severities; one that is not known is milder than any that is.
export function worse(a: string, b: string): string {
  const rank = (s: string) => (severities.includes(s) ? severities.indexOf(s) : severities.length + (s ? 0 : 1));
  return rank(a) <= rank(b) ? a : b;
}

export class Graph {
  readonly edges: Edge[];
  readonly out: number[][];
  readonly into: number[][];
  readonly kids: number[][];
  readonly parent: number[];
  readonly start: number[];
  private metastores?: number;

  constructor(readonly data: Data) {
    const n = data.nodes.length;
    const lists = () => Array.from({ length: n }, (): number[] => []);
    this.out = lists();
    this.into = lists();
    this.kids = lists();
    this.parent = data.nodes.map((node) => node.i ?? -1);
    this.parent.forEach((p, i) => p >= 0 && this.kids[p].push(i));
    this.edges = data.edges.map((e) => ({
      from: e.f,
      to: e.o,
      kind: e.k,
      gives: e.g === undefined ? undefined : data.lists[e.g],
      source: e.s ?? "",
      where: e.w === undefined ? undefined : data.lists[e.w],
      severity: e.v ?? "",
      note: e.t ?? "",
      absent: e.x ?? false,
      change: e.c ?? "",
    }));
    this.edges.forEach((e, i) => {
      this.out[e.from].push(i);
      this.into[e.to].push(i);
    });
    const roots = data.nodes.map((_, i) => i).filter((i) => this.into[i].length === 0 && this.out[i].length > 0);
    this.start = data.start.length > 0 ? data.start : roots;
  }

  name(i: number): string {
    return this.data.nodes[i].n;
  }

  kind(i: number): string {
    return this.data.nodes[i].k;
  }

  note(i: number): string {
    return this.data.nodes[i].t ?? "";
  }

  // change says how a node itself changed.
  change(i: number): string {
    return this.data.nodes[i].c ?? "";
  }

  // place is the metastore of a node, where the map shows more than one.
  place(i: number): string {
    this.metastores ??= new Set(this.data.nodes.flatMap((n) => n.m ?? [])).size;
    return this.metastores > 1 ? (this.data.nodes[i].m ?? "") : "";
  }

  // facetValues are the values that edges have.
  facetValues(f: Facet): Set<string> {
    const all = new Set<string>();
    for (const e of this.edges) {
      if (f === "privilege") e.gives?.forEach((p) => all.add(p));
      else if (f === "source" && e.source) all.add(e.source);
      else if (f === "workspace") e.where?.forEach((w) => all.add(w));
      else if (f === "severity" && e.severity) all.add(e.severity);
      else if (f === "change" && e.change) all.add(e.change);
    }
    return all;
  }

  private passes(e: Edge, facet: Filter["facet"]): boolean {
    return (
      (!facet.privilege || !!e.gives?.includes(facet.privilege)) &&
      (!facet.source || e.source === facet.source) &&
      (!facet.workspace || !!e.where?.includes(facet.workspace)) &&
      (!facet.severity || e.severity === facet.severity) &&
      (!facet.change || e.change === facet.change)
    );
  }

  // spread follows edges from nodes, forward or backward, through those that may be followed. Forward it
  // also goes into what lies in a node, and backward to what a node lies in.
  private spread(from: Iterable<number>, forward: boolean, follow: (e: Edge) => boolean): Set<number> {
    const seen = new Set(from);
    for (const node of seen) {
      for (const i of forward ? this.out[node] : this.into[node]) {
        const e = this.edges[i];
        if (follow(e)) seen.add(forward ? e.to : e.from);
      }
      if (forward) this.kids[node].forEach((k) => seen.add(k));
      else if (this.parent[node] >= 0) seen.add(this.parent[node]);
    }
    return seen;
  }

  // select says what passes a filter: the edges, the nodes on a way to one of them, and the nodes that
  // the query names.
  select(filter: Filter): Selection {
    const query = filter.query.trim().toLowerCase();
    const facets = Object.values(filter.facet).some(Boolean);
    const hits = new Set<number>();
    if (query) {
      this.data.nodes.forEach((n, i) => {
        if (n.n.toLowerCase().includes(query) || (n.t ?? "").toLowerCase().includes(query)) hits.add(i);
      });
    }
    if (!query && !facets) {
      return { nodes: new Set(this.data.nodes.keys()), edges: new Set(this.edges.keys()), hits };
    }
    const passing = (e: Edge) => !e.gives || this.passes(e, filter.facet);
    const beyond = query ? this.spread(hits, true, passing) : hits;
    const above = query ? this.containers(hits) : hits;
    const edges = new Set<number>();
    const ends = new Set<number>(facets ? [] : hits);
    this.edges.forEach((e, i) => {
      if (!e.gives || !this.passes(e, filter.facet)) return;
      const named = () => e.gives!.some((g) => g.toLowerCase().includes(query)) || e.kind.toLowerCase().includes(query) || e.note.toLowerCase().includes(query);
      if (query && !beyond.has(e.from) && !beyond.has(e.to) && !above.has(e.to) && !named()) return;
      edges.add(i);
      ends.add(e.from).add(e.to);
    });
    const nodes = this.spread(ends, false, passing);
    this.edges.forEach((e, i) => {
      if (!e.gives && nodes.has(e.from) && nodes.has(e.to)) edges.add(i);
    });
    return { nodes, edges, hits: new Set([...hits].filter((i) => nodes.has(i))) };
  }

  // containers are what nodes lie in.
  containers(nodes: Iterable<number>): Set<number> {
    const all = new Set<number>();
    for (let i of nodes) for (i = this.parent[i]; i >= 0 && !all.has(i); i = this.parent[i]) all.add(i);
    return all;
  }

  // ways are the paths from a start to a node, shortest first, each a list of edges; at most so many.
  ways(to: number, most: number): number[][] {
    const starts = new Set(this.start);
    const found: number[][] = [];
    const queue: { at: number; path: number[]; seen: Set<number> }[] = [{ at: to, path: [], seen: new Set([to]) }];
    for (let turn = 0; turn < queue.length && turn < 5000 && found.length < most; turn++) {
      const { at, path, seen } = queue[turn];
      if (starts.has(at) && path.length > 0) {
        found.push(path);
        continue;
      }
      for (const i of this.into[at]) {
        if (this.edges[i].absent) continue;
        const from = this.edges[i].from;
        if (!seen.has(from)) queue.push({ at: from, path: [i, ...path], seen: new Set(seen).add(from) });
      }
    }
    return found;
  }
}

export interface Selection {
  nodes: Set<number>;
  edges: Set<number>;
  hits: Set<number>;
}

// Shown is one node of the picture: a node of the graph, or several that stand in the same place.
export interface Shown {
  key: string;
  members: number[]; // one, unless it is a bundle
  bundle: boolean;
  inside: string; // key of the open container that it lies in; "" for none
  hidden: number; // how many selected nodes lie in it unseen
  open: boolean;
  hit: boolean;
}

// Line is what leads from one shown node to another.
export interface Line {
  from: string;
  to: string;
  edges: number[]; // of the graph; empty where one only lies in the other
  severity: string;
  absent: boolean; // all of it is missing
  change: string; // that of all of it; "changed" where that differs
}

export interface Picture {
  nodes: Map<string, Shown>;
  lines: Line[];
  left: number; // nodes that there is no room for
}

export interface Limits {
  auto: number; // up to how many nodes containers open by themselves
  bundle: number; // from how many nodes on those in the same place are put together
  most: number; // how many nodes are drawn at most
  step: number; // how many of a bundle show when it is opened
}

export const limits: Limits = { auto: 28, bundle: 28, most: 140, step: 30 };

// picture decides what is shown of a selection.
export function picture(g: Graph, s: Selection, opened: Set<string>, closed: Set<string>, selected: string, l: Limits = limits): Picture {
  const open = openContainers(g, s, opened, closed, selected, l);
  const rep = new Map<number, number>();
  const standsFor = (i: number): number => {
    const known = rep.get(i);
    if (known !== undefined) return known;
    const p = g.parent[i];
    let r = i;
    if (p >= 0 && s.nodes.has(p)) {
      const above = standsFor(p);
      r = above === p && open.has(p) ? i : above;
    }
    rep.set(i, r);
    return r;
  };
  const hidden = new Map<number, number>();
  const visible: number[] = [];
  const hitWithin = new Set<number>();
  for (const i of s.nodes) {
    const r = standsFor(i);
    if (r === i) visible.push(i);
    else hidden.set(r, (hidden.get(r) ?? 0) + 1);
    if (s.hits.has(i)) hitWithin.add(r);
  }
  // Edges between what is shown.
  const lines = new Map<string, { from: number; to: number; edges: number[] }>();
  for (const i of s.edges) {
    const from = standsFor(g.edges[i].from);
    const to = standsFor(g.edges[i].to);
    if (from === to) continue;
    const k = from + " " + to;
    const line = lines.get(k);
    if (line) line.edges.push(i);
    else lines.set(k, { from, to, edges: [i] });
  }
  const placed = bundles(g, visible, [...lines.values()], open, opened, selected, s, l);
  const nodes = new Map<string, Shown>();
  for (const [key, members] of placed.groups) {
    const first = members[0];
    nodes.set(key, {
      key,
      members,
      bundle: members.length > 1,
      inside: g.parent[first] >= 0 && s.nodes.has(g.parent[first]) ? placed.keyOf.get(g.parent[first]) ?? "" : "",
      hidden: members.reduce((n, m) => n + (hidden.get(m) ?? 0), 0),
      open: members.length === 1 && open.has(first),
      hit: members.some((m) => hitWithin.has(m)),
    });
  }
  const merged = new Map<string, Line>();
  for (const { from, to, edges } of lines.values()) {
    const a = placed.keyOf.get(from)!;
    const b = placed.keyOf.get(to)!;
    if (a === b) continue;
    const line = merged.get(a + " " + b) ?? { from: a, to: b, edges: [], severity: "", absent: true, change: "" };
    merged.set(a + " " + b, line);
    for (const e of edges) {
      const change = g.edges[e].change;
      line.change = line.edges.length === 0 || line.change === change ? change : "changed";
      line.edges.push(e);
      line.severity = worse(line.severity, g.edges[e].severity);
      line.absent &&= g.edges[e].absent;
    }
  }
  for (const n of nodes.values()) {
    if (n.inside && n.inside !== n.key && !merged.has(n.inside + " " + n.key)) merged.set(n.inside + " " + n.key, { from: n.inside, to: n.key, edges: [], severity: "", absent: false, change: "" });
  }
  return fit(g, { nodes, lines: [...merged.values()], left: 0 }, selected, l);
}

// openContainers opens what the reader opened, what hides a hit, and level by level as much as there is
// room for.
function openContainers(g: Graph, s: Selection, opened: Set<string>, closed: Set<string>, selected: string, l: Limits): Set<number> {
  const open = new Set<number>();
  const shut = (i: number) => closed.has(String(i));
  for (const k of opened) if (/^\d+$/.test(k)) open.add(Number(k));
  const chosen = /^\d+$/.test(selected) ? [Number(selected)] : [];
  for (const c of g.containers(chosen)) open.add(c);
  if (s.hits.size <= l.auto) for (const c of g.containers(s.hits)) if (!shut(c)) open.add(c);
  const aliveKids = (i: number) => g.kids[i].filter((k) => s.nodes.has(k));
  let level = [...s.nodes].filter((i) => g.parent[i] < 0 || !s.nodes.has(g.parent[i]));
  let total = level.length;
  // What is open already takes its room first.
  for (const i of open) total += aliveKids(i).length;
  while (level.length > 0) {
    const next: number[] = [];
    const sized = level.map((i) => ({ i, kids: aliveKids(i) })).filter((c) => c.kids.length > 0);
    sized.sort((a, b) => a.kids.length - b.kids.length || a.i - b.i);
    for (const { i, kids } of sized) {
      if (!open.has(i) && !shut(i) && total + kids.length <= l.auto) {
        open.add(i);
        total += kids.length;
      }
      if (open.has(i)) next.push(...kids);
    }
    level = next;
  }
  return open;
}

// bundles puts together what stands in the same place: nodes of one kind that the same lead to and that
// lead to the same. A bundle that was opened shows its first members, and the others as a further one.
function bundles(g: Graph, visible: number[], lines: { from: number; to: number; edges: number[] }[], open: Set<number>, opened: Set<string>, selected: string, s: Selection, l: Limits) {
  const keyOf = new Map<number, string>();
  const groups = new Map<string, number[]>();
  const single = (i: number) => {
    keyOf.set(i, String(i));
    groups.set(String(i), [i]);
  };
  if (visible.length <= l.bundle) {
    visible.forEach(single);
    return { keyOf, groups };
  }
  const ends = new Map<number, string[]>();
  const note = (i: number, text: string) => {
    const list = ends.get(i);
    if (list) list.push(text);
    else ends.set(i, [text]);
  };
  for (const { from, to, edges } of lines) {
    const worst = edges.reduce((v, e) => worse(v, g.edges[e].severity), "");
    const changes = [...new Set(edges.map((e) => g.edges[e].change))].sort().join();
    note(from, `>${to}${worst}${changes}`);
    note(to, `<${from}${worst}${changes}`);
  }
  const starts = new Set(g.start.length <= 8 ? g.start : []);
  const fewHits = s.hits.size <= l.bundle;
  const alike = new Map<string, number[]>();
  for (const i of visible) {
    if (open.has(i) || starts.has(i) || String(i) === selected || (fewHits && s.hits.has(i))) {
      single(i);
      continue;
    }
    const place = `${g.kind(i)}|${g.change(i)}|${g.parent[i]}|${(ends.get(i) ?? []).sort().join(",")}`;
    const list = alike.get(place);
    if (list) list.push(i);
    else alike.set(place, [i]);
  }
  for (const list of alike.values()) {
    let rest = list.sort((a, b) => a - b);
    while (rest.length > 3 && opened.has("b" + rest[0])) {
      rest.slice(0, l.step).forEach(single);
      rest = rest.slice(l.step);
    }
    if (rest.length <= 3) {
      rest.forEach(single);
    } else {
      const key = "b" + rest[0];
      groups.set(key, rest);
      rest.forEach((i) => keyOf.set(i, key));
    }
  }
  return { keyOf, groups };
}

// fit leaves out what there is no room for, and counts it: a picture of thousands helps nobody.
function fit(g: Graph, p: Picture, selected: string, l: Limits): Picture {
  if (p.nodes.size <= l.most) return p;
  const weight = new Map<string, number>();
  const add = (key: string, n: number) => weight.set(key, (weight.get(key) ?? 0) + n);
  const starts = new Set(g.start);
  for (const n of p.nodes.values()) add(n.key, (n.key === selected ? 1e6 : 0) + (n.hit ? 1e4 : 0) + (n.members.some((m) => starts.has(m)) ? 100 : 0) + (n.open ? 50 : 0));
  for (const line of p.lines) {
    const n = 1 + (line.severity ? 20 / (1 + severities.indexOf(line.severity)) : 0);
    add(line.from, n);
    add(line.to, n);
  }
  const kept = [...p.nodes.values()].sort((a, b) => weight.get(b.key)! - weight.get(a.key)!).slice(0, l.most);
  const keys = new Set(kept.map((n) => n.key));
  const left = [...p.nodes.values()].filter((n) => !keys.has(n.key)).reduce((n, s) => n + s.members.length + s.hidden, 0);
  return {
    nodes: new Map(kept.map((n) => [n.key, n])),
    lines: p.lines.filter((line) => keys.has(line.from) && keys.has(line.to)),
    left,
  };
}

// lit is what lies on a way through a shown node: all that leads to it and all that it leads to.
export function lit(p: Picture, key: string): Set<string> {
  const all = new Set<string>();
  for (const forward of [true, false]) {
    const seen = new Set([key]);
    for (const at of seen) {
      for (const line of p.lines) {
        if (line.absent) continue;
        if (forward && line.from === at) seen.add(line.to);
        if (!forward && line.to === at) seen.add(line.from);
      }
    }
    seen.forEach((k) => all.add(k));
  }
  return all;
}
