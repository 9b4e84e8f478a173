// Starts what needs a script. Without it the page still has the answer, the coverage and every row.

import { button, el } from "./dom";
import { Graph, type Data } from "./graph";
import { AccessMap } from "./map";
import { facets, State, type Facet } from "./state";
import { Table } from "./table";

const state = State.read(location.hash);

let writing = 0;
function save(): void {
  window.clearTimeout(writing);
  writing = window.setTimeout(() => {
    try {
      history.replaceState(null, "", "#" + state.write());
    } catch {
      // Some viewers of attachments allow no change of the address: the page works all the same.
    }
  }, 150);
}

const tables = [...document.querySelectorAll<HTMLTableElement>("table[data-name]")].map((t) => new Table(t, state, save));
let map: AccessMap | null = null;
const data = document.getElementById("data");
if (data) {
  const graph = new Graph(JSON.parse(data.textContent!) as Data);
  const body = document.getElementById("map-body")!;
  if (graph.data.nodes.length > 0 && graph.data.edges.length > 0) map = new AccessMap(body, graph, state, save);
  else body.replaceWith(el("p", { class: "note" }, "There is nothing to draw."));
}

function update(): void {
  map?.update();
  tables.forEach((t) => t.update());
}

// The search and the filters are one for the map and all tables.
function filters(): void {
  const form = document.getElementById("filters") as HTMLFormElement;
  const search = el("input", { type: "search", id: "search", placeholder: "Search names, privileges, reasons" });
  search.value = state.query;
  let waiting = 0;
  search.addEventListener("input", () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(() => {
      state.query = search.value;
      show();
    }, 120);
  });
  form.append(el("label", { class: "search" }, el("span", {}, "Search"), search));
  const selects: HTMLSelectElement[] = [];
  for (const f of facets) {
    const values = map ? map.graph.facetValues(f) : new Set(tables.flatMap((t) => t.values(f)));
    if (values.size < 2 && !state.facet[f]) continue;
    const select = el("select", { id: "facet-" + f }, el("option", { value: "" }, "any"), ...sorted(f, values).map((v) => el("option", { value: v }, v)));
    select.value = state.facet[f] ?? "";
    select.addEventListener("change", () => {
      state.facet[f] = select.value || undefined;
      show();
    });
    selects.push(select);
    form.append(el("label", {}, el("span", {}, f), select));
  }
  const clear = button("Clear", () => {
    state.query = search.value = "";
    state.facet = {};
    selects.forEach((s) => (s.value = ""));
    show();
    search.focus();
  });
  const show = () => {
    clear.hidden = !state.filtered;
    document.body.classList.toggle("filtered", state.filtered);
    update();
    save();
  };
  clear.hidden = !state.filtered;
  document.body.classList.toggle("filtered", state.filtered);
  form.append(clear);
  form.addEventListener("submit", (e) => e.preventDefault());
  form.hidden = false;
}

function sorted(f: Facet, values: Set<string>): string[] {
  const order = ["critical", "high", "medium", "low"];
  return [...values].sort((a, b) => (f === "severity" ? order.indexOf(a) - order.indexOf(b) : 0) || a.localeCompare(b, "en"));
}

// age says how long ago the oldest fact was read, as of now: a report is often opened days later.
function age(): void {
  const time = document.getElementById("age");
  const read = Date.parse(time?.getAttribute("datetime") ?? "");
  if (!time || Number.isNaN(read)) return;
  const minutes = Math.round((Date.now() - read) / 60_000);
  const words = minutes < 2 ? "" : minutes < 120 ? `${minutes} minutes` : minutes < 48 * 60 ? `${Math.round(minutes / 60)} hours` : `${Math.round(minutes / 1440)} days`;
  if (words) time.textContent = `Now, as you read this, it is ${words} old.`;
}

// Links within the page move there and leave the state in the address alone.
function links(): void {
  for (const a of document.querySelectorAll<HTMLAnchorElement>('a[href^="#"]')) {
    a.addEventListener("click", (e) => {
      const target = document.getElementById(a.getAttribute("href")!.slice(1));
      if (!target) return;
      e.preventDefault();
      target.scrollIntoView();
      target.focus({ preventScroll: true });
    });
  }
}

// On paper everything is open, and every row is there.
function paper(): void {
  const closed: HTMLDetailsElement[] = [];
  window.addEventListener("beforeprint", () => {
    tables.forEach((t) => t.print(true));
    for (const d of document.querySelectorAll("details")) {
      if (!d.open) {
        closed.push(d);
        d.open = true;
      }
    }
  });
  window.addEventListener("afterprint", () => {
    for (const d of closed.splice(0)) d.open = false;
    tables.forEach((t) => t.print(false));
  });
}

function script(): void {
  const text = document.getElementById("script-text");
  if (!text) return;
  const copy = button("Copy", () => {
    void navigator.clipboard?.writeText(text.textContent!).then(() => (copy.textContent = "Copied"));
  });
  if (navigator.clipboard) text.closest(".scroll")!.before(el("div", { class: "tools" }, copy));
}

filters();
update();
age();
links();
paper();
script();
document.documentElement.classList.add("ready");
performance.mark("ready");
