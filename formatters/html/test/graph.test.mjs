// The map as values, without a browser.

import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { Graph, picture, lit, worse } = await load("src/graph.ts");
const { State } = await load("src/state.ts");

// account makes a map: ann is in a team, which is in staff; staff may read a table of so many in a
// schema of a catalog, the team may use the catalog, and etl stands for a way to more.
function account(tables = 3) {
  const nodes = [
    { k: "user", n: "ann" },
    { k: "group", n: "team" },
    { k: "group", n: "staff" },
    { k: "workspace", n: "prod" },
    { k: "catalog", n: "main" },
    { k: "schema", n: "main.sales", i: 4 },
    { k: "service_principal", n: "etl" },
  ];
  const edges = [
    { f: 0, o: 1, k: "member of" },
    { f: 1, o: 2, k: "member of" },
    { f: 2, o: 3, k: "assigned to", g: 0, w: 1 },
    { f: 1, o: 4, k: "granted", g: 2, s: "group", w: 1 },
    { f: 0, o: 6, k: "can act as", g: 4, v: "high" },
  ];
  for (let i = 0; i < tables; i++) {
    nodes.push({ k: "table", n: `main.sales.t${i}`, i: 5 });
    edges.push({ f: 2, o: 7 + i, k: "granted", g: 3, s: "group", w: 1 });
  }
  return new Graph({ nodes, edges, start: [0], lists: [["USER"], ["prod"], ["USE_CATALOG"], ["SELECT"], ["E08"]] });
}

const all = { query: "", facet: {} };
const draw = (g, filter = all, opened = [], closed = [], selected = "", limits) => picture(g, g.select(filter), new Set(opened), new Set(closed), selected, limits);
const names = (g, p) => [...p.nodes.values()].map((n) => n.members.map((m) => g.name(m)).join("+")).sort();
const tight = { auto: 0, bundle: 28, most: 140, step: 30 };

test("a small map is open", () => {
  const g = account();
  assert.deepEqual(names(g, draw(g)), ["ann", "etl", "main", "main.sales", "main.sales.t0", "main.sales.t1", "main.sales.t2", "prod", "staff", "team"]);
});

test("what lies in a closed container counts on it, and its edges lead there", () => {
  const g = account();
  const p = draw(g, all, [], [], "", tight);
  assert.deepEqual(names(g, p), ["ann", "etl", "main", "prod", "staff", "team"]);
  assert.equal(p.nodes.get("4").hidden, 4);
  const line = p.lines.find((l) => l.from === "2" && l.to === "4");
  assert.equal(line.edges.length, 3);
  assert.deepEqual(names(g, draw(g, all, ["4"], [], "", tight)), ["ann", "etl", "main", "main.sales", "prod", "staff", "team"]);
});

test("what the reader closed stays closed, and what is selected is shown", () => {
  const g = account();
  assert.ok(!draw(g, all, [], ["5"]).nodes.has("8"));
  assert.ok(draw(g, all, [], [], "8", tight).nodes.has("8"));
});

test("a search keeps what it names, the ways to it and what it lies in", () => {
  const g = account();
  const p = draw(g, { query: "T1", facet: {} });
  assert.deepEqual(names(g, p), ["ann", "main", "main.sales", "main.sales.t1", "staff", "team"]);
  assert.ok(p.nodes.get("8").hit);
  assert.deepEqual(names(g, draw(g, { query: "staff", facet: {} })), ["ann", "main", "main.sales", "main.sales.t0", "main.sales.t1", "main.sales.t2", "prod", "staff", "team"]);
  assert.equal(draw(g, { query: "nothing has this name", facet: {} }).nodes.size, 0);
});

test("filters keep the edges that pass and the ways to them", () => {
  const g = account();
  assert.deepEqual(names(g, draw(g, { query: "", facet: { severity: "high" } })), ["ann", "etl"]);
  assert.deepEqual(names(g, draw(g, { query: "", facet: { privilege: "USE_CATALOG" } })), ["ann", "main", "team"]);
  assert.equal(draw(g, { query: "", facet: { workspace: "staging" } }).nodes.size, 0);
  assert.deepEqual(names(g, draw(g, { query: "t2", facet: { privilege: "SELECT" } })), ["ann", "main", "main.sales", "main.sales.t2", "staff", "team"]);
});

test("thousands are put together and open in steps", () => {
  const g = account(5000);
  const p = draw(g, all, ["4", "5"]);
  const bundle = [...p.nodes.values()].find((n) => n.bundle);
  assert.equal(bundle.members.length, 5000);
  assert.ok(p.nodes.size < 20);
  const q = draw(g, all, ["4", "5", bundle.key]);
  assert.equal([...q.nodes.values()].filter((n) => g.kind(n.members[0]) === "table" && !n.bundle).length, 30);
  assert.equal([...q.nodes.values()].find((n) => n.bundle).members.length, 4970);
});

test("nothing is lost without being counted", () => {
  // Each user holds something of its own, so that none stands in the same place as another.
  const nodes = [];
  const edges = [];
  for (let i = 0; i < 600; i++) {
    nodes.push({ k: "user", n: `u${i}` }, { k: "table", n: `t${i}` });
    edges.push({ f: 2 * i, o: 2 * i + 1, k: "granted", g: 0 });
  }
  const g = new Graph({ nodes, edges, start: [], lists: [["SELECT"]] });
  const p = draw(g);
  const shown = [...p.nodes.values()].reduce((n, s) => n + s.members.length + s.hidden, 0);
  assert.equal(shown + p.left, 1200);
  assert.ok(p.nodes.size <= 140);
  for (const line of p.lines) assert.ok(p.nodes.has(line.from) && p.nodes.has(line.to));
});

test("the way through a node is what leads to it and what it leads to", () => {
  const g = account();
  const p = draw(g);
  assert.deepEqual([...lit(p, "8")].sort(), ["0", "1", "2", "4", "5", "8"]);
  assert.ok(!lit(p, "8").has("6"));
});

test("ways are every path from where the map is read", () => {
  const g = account();
  g.edges.push({ from: 0, to: 8, kind: "granted", gives: ["SELECT"], source: "direct", severity: "", note: "", absent: false });
  g.into[8].push(g.edges.length - 1);
  const ways = g.ways(8, 10).map((path) => path.map((i) => g.name(g.edges[i].from)).join(" "));
  assert.deepEqual(ways, ["ann", "ann team staff"]);
});

test("what is missing is no way to anything", () => {
  const g = new Graph({ nodes: [{ k: "user", n: "dave" }, { k: "table", n: "t" }, { k: "group", n: "team" }], edges: [{ f: 0, o: 1, k: "lacks", g: 0, x: true }, { f: 0, o: 2, k: "member of" }], start: [0], lists: [["SELECT"]] });
  assert.deepEqual(g.ways(1, 10), []);
  const p = draw(g);
  assert.ok(p.lines.find((l) => l.to === "1").absent);
  assert.deepEqual([...lit(p, "0")].sort(), ["0", "2"]);
});

test("a circle of groups ends", () => {
  const g = new Graph({ nodes: [{ k: "user", n: "a" }, { k: "group", n: "b" }, { k: "group", n: "c" }], edges: [{ f: 0, o: 1, k: "member of" }, { f: 1, o: 2, k: "member of" }, { f: 2, o: 1, k: "member of" }], start: [0], lists: [] });
  assert.equal(draw(g).nodes.size, 3);
  assert.equal(g.ways(2, 10).length, 1);
});

test("the worse severity wins", () => {
  assert.equal(worse("low", "critical"), "critical");
  assert.equal(worse("", "low"), "low");
  assert.equal(worse("strange", ""), "strange");
  assert.equal(worse("medium", "strange"), "medium");
});

test("the state in an address comes back", () => {
  const s = new State();
  s.query = "a&b=#%";
  s.facet = { privilege: "READ VOLUME", severity: "high" };
  s.selected = "b12";
  s.opened.add("4").add("b7");
  s.closed.add("5");
  s.sorts.set("grants", { key: "object", down: true });
  s.filters.set("grants", "x=1&y");
  assert.deepEqual(State.read("#" + s.write()), s);
  assert.deepEqual(State.read("#tables"), new State());
});

test("lines say what came and what went, and a filter shows either", () => {
  const nodes = [{ k: "user", n: "ann" }, { k: "catalog", n: "main", c: "changed" }, { k: "group", n: "team" }];
  const edges = [
    { f: 0, o: 1, k: "granted", g: 0, c: "added" },
    { f: 0, o: 1, k: "granted", g: 1, c: "removed" },
    { f: 0, o: 2, k: "member of", g: 2, c: "removed" },
  ];
  const g = new Graph({ nodes, edges, start: [], lists: [["MODIFY"], ["SELECT"], []] });
  const changes = (filter) => draw(g, filter).lines.map((l) => l.change).sort();
  assert.deepEqual(changes(all), ["changed", "removed"]);
  assert.deepEqual(changes({ query: "", facet: { change: "added" } }), ["added"]);
  assert.deepEqual(changes({ query: "", facet: { change: "removed" } }), ["removed", "removed"]);
  assert.deepEqual([...g.facetValues("change")].sort(), ["added", "removed"]);
  assert.equal(g.change(1), "changed");
});
