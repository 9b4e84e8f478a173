// The map on the page: the picture, its tools, and the panel that says in words what is selected.

import { button, el, plural } from "./dom";
import { canOpen, changeWords, draw, kindWords, title, type Drawn } from "./draw";
import { Graph, lit, picture, type Edge, type Picture, type Selection } from "./graph";
import type { State } from "./state";

const zooms = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 2, 2.5];
const mostWays = 12;
const mostListed = 60;

export class AccessMap {
  private zoom: number | "first" | "fit" = "first"; // first fits the width as far as names stay readable
  private current = ""; // the node that the keyboard is on
  private shown: Picture = { nodes: new Map(), lines: [], left: 0 };
  private drawn: Drawn | null = null;
  private readonly stage = el("div", { class: "stage", id: "stage" });
  private readonly panel = el("aside", { class: "panel", id: "panel", "aria-label": "What is selected", "aria-live": "polite", hidden: true });
  private readonly status = el("p", { class: "status", role: "status" });
  private selection: Selection;

  constructor(
    body: HTMLElement,
    readonly graph: Graph,
    private readonly state: State,
    private readonly changed: () => void,
  ) {
    this.selection = graph.select({ query: "", facet: {} });
    const tools = el(
      "div",
      { class: "tools", role: "toolbar", "aria-label": "Map" },
      button("−", () => this.step(-1), { "aria-label": "Zoom out" }),
      button("+", () => this.step(1), { "aria-label": "Zoom in" }),
      button("Fit", () => this.setZoom("fit"), { "aria-label": "Fit the map to the width" }),
      button("100 %", () => this.setZoom(1)),
      button("Open all", () => this.openAll()),
      button("Close all", () => this.closeAll()),
      this.status,
    );
    body.append(tools, legend(graph), el("div", { class: "board" }, this.stage, this.panel));
    body.hidden = false;
    this.stage.addEventListener("click", (e) => this.click(e));
    this.stage.addEventListener("dblclick", (e) => this.toggle(keyOf(e.target, ".node", "data-key")));
    this.stage.addEventListener("keydown", (e) => this.key(e));
    this.stage.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
    drag(this.stage);
    new ResizeObserver(() => typeof this.zoom === "string" && this.size()).observe(this.stage);
  }

  // update draws what the state says.
  update(focus = false): void {
    this.selection = this.graph.select({ query: this.state.query, facet: this.state.facet });
    this.shown = picture(this.graph, this.selection, this.state.opened, this.state.closed, this.state.selected);
    let selected = this.state.selected;
    if (!this.shown.nodes.has(selected)) selected = this.holder(selected);
    if (!this.shown.nodes.has(this.current)) this.current = selected || this.beginning();
    if (this.shown.nodes.size === 0) {
      this.drawn = null;
      this.stage.replaceChildren(el("p", { class: "nothing" }, "Nothing on the map passes the search and the filters."));
    } else {
      this.drawn = draw(this.graph, this.shown, selected, selected ? lit(this.shown, selected) : null, this.current);
      this.stage.replaceChildren(this.drawn.element);
    }
    this.size();
    this.describe(selected);
    this.count();
    this.reveal(selected || this.current);
    if (focus) this.focus(this.current);
  }

  // beginning is where the map is read from.
  private beginning(): string {
    const starts = new Set(this.graph.start);
    const nodes = [...this.shown.nodes.values()];
    return (nodes.find((n) => n.members.some((m) => starts.has(m))) ?? nodes[0])?.key ?? "";
  }

  private count(): void {
    const all = this.graph.data.nodes.length;
    const single = [...this.shown.nodes.values()].filter((n) => !n.bundle).length;
    const within = this.selection.nodes.size - single - this.shown.left;
    const parts = [`${plural(single, "node")} shown`];
    if (within > 0) parts.push(`${within.toLocaleString("en")} more inside them or put together`);
    if (this.shown.left > 0) parts.push(`no room for ${this.shown.left.toLocaleString("en")}: search or filter to see them`);
    if (this.selection.nodes.size < all) parts.push(`${(all - this.selection.nodes.size).toLocaleString("en")} filtered out`);
    this.status.textContent = parts.join(", ") + ".";
  }

  // holder is the shown node that a node lies in or is put together in; "" where there is none.
  private holder(key: string): string {
    if (!/^b?\d+$/.test(key)) return "";
    const i = Number(key.replace("b", ""));
    if (!(i < this.graph.data.nodes.length)) return "";
    const inside = new Set([i, ...this.graph.containers([i])]);
    for (const n of this.shown.nodes.values()) if (n.members.some((m) => inside.has(m)) && !n.open) return n.key;
    return "";
  }

  private size(): void {
    if (!this.drawn) return;
    const { element, width, height } = this.drawn;
    const fit = Math.min(1, (this.stage.clientWidth - 4) / width);
    const scale = this.zoom === "fit" ? fit : this.zoom === "first" ? Math.max(0.66, fit) : this.zoom;
    element.setAttribute("width", String(Math.round(width * scale)));
    element.setAttribute("height", String(Math.round(height * scale)));
  }

  // reveal brings a node into the window of the map, where it is not.
  private reveal(key: string): void {
    const at = this.drawn?.at.get(key);
    if (!at) return;
    const scale = this.scale();
    const into = (from: number, place: number, room: number) => (place < from + 40 || place > from + room - 120 ? Math.max(0, place - room / 2) : from);
    this.stage.scrollLeft = into(this.stage.scrollLeft, at.x * scale, this.stage.clientWidth);
    this.stage.scrollTop = into(this.stage.scrollTop, at.y * scale, this.stage.clientHeight);
  }

  private scale(): number {
    return this.drawn ? Number(this.drawn.element.getAttribute("width")) / this.drawn.width : 1;
  }

  private step(by: number): void {
    const now = this.scale();
    const next = by > 0 ? zooms.find((z) => z > now + 0.01) : zooms.findLast((z) => z < now - 0.01);
    this.setZoom(next ?? now);
  }

  private setZoom(zoom: number | "fit"): void {
    this.zoom = zoom;
    this.size();
  }

  private wheel(e: WheelEvent): void {
    if (!e.ctrlKey && !e.metaKey) return;
    e.preventDefault();
    this.step(e.deltaY < 0 ? 1 : -1);
  }

  private click(e: MouseEvent): void {
    const toggle = keyOf(e.target, ".toggle", "data-toggle");
    if (toggle) this.toggle(toggle);
    else this.select(keyOf(e.target, ".node", "data-key"));
  }

  select(key: string): void {
    this.state.selected = key === this.state.selected ? "" : key;
    if (key) this.current = key;
    this.update(key !== "");
    this.changed();
  }

  private toggle(key: string): void {
    const n = this.shown.nodes.get(key);
    if (!n || (!n.open && !canOpen(n))) return;
    this.current = key;
    if (n.open) {
      this.state.opened.delete(key);
      this.state.closed.add(key);
    } else {
      this.state.closed.delete(key);
      this.state.opened.add(key);
    }
    this.update(true);
    this.changed();
  }

  private openAll(): void {
    for (const n of this.shown.nodes.values()) {
      if (canOpen(n)) {
        this.state.closed.delete(n.key);
        this.state.opened.add(n.key);
      }
    }
    this.update();
    this.changed();
  }

  private closeAll(): void {
    this.state.opened.clear();
    for (const i of this.selection.nodes) if (this.graph.kids[i].length > 0) this.state.closed.add(String(i));
    this.update();
    this.changed();
  }

  private key(e: KeyboardEvent): void {
    const key = keyOf(e.target, ".node", "data-key");
    if (!key || e.ctrlKey || e.metaKey || e.altKey) return;
    const n = this.shown.nodes.get(key)!;
    switch (e.key) {
      case "Enter":
      case " ":
        this.select(key);
        break;
      case "+":
        if (!n.open) this.toggle(key);
        break;
      case "-":
        if (n.open) this.toggle(key);
        break;
      case "Escape":
        if (this.state.selected) this.select(this.state.selected);
        break;
      case "ArrowLeft":
      case "ArrowRight":
      case "ArrowUp":
      case "ArrowDown":
        this.focus(this.neighbour(key, e.key));
        break;
      case "Home":
        this.focus([...this.shown.nodes.keys()][0]);
        break;
      default:
        return;
    }
    e.preventDefault();
  }

  // neighbour is the nearest node in a direction.
  private neighbour(key: string, arrow: string): string {
    const from = this.drawn!.at.get(key)!;
    let best = key;
    let least = Infinity;
    for (const [other, to] of this.drawn!.at) {
      const dx = to.x - from.x;
      const dy = to.y - from.y;
      const [along, across] = arrow === "ArrowRight" ? [dx, dy] : arrow === "ArrowLeft" ? [-dx, dy] : arrow === "ArrowDown" ? [dy, dx] : [-dy, dx];
      if (other === key || along <= 1) continue;
      const distance = along + 3 * Math.abs(across);
      if (distance < least) [least, best] = [distance, other];
    }
    return best;
  }

  private focus(key: string | undefined): void {
    if (!key) return;
    this.current = key;
    for (const e of this.stage.querySelectorAll(".node")) {
      const here = e.getAttribute("data-key") === key;
      e.setAttribute("tabindex", here ? "0" : "-1");
      if (here) (e as SVGGElement).focus();
    }
  }

  // describe fills the panel.
  private describe(key: string): void {
    const n = this.shown.nodes.get(key);
    this.panel.hidden = !n;
    this.panel.replaceChildren();
    if (!n) return;
    const close = button("Close", () => this.select(this.state.selected), { class: "close" });
    const head = el("p", { class: "kicker" }, n.bundle ? "put together, since the same ways lead to each" : kindWords(this.graph.kind(n.members[0])));
    this.panel.append(close, head, el("h3", {}, title(this.graph, n)));
    const note = n.bundle ? "" : this.graph.note(n.members[0]);
    const change = n.bundle ? "" : changeWords(this.graph.change(n.members[0]));
    if (change) this.panel.append(el("p", {}, change));
    if (note) this.panel.append(el("p", {}, note));
    if (canOpen(n) || n.open) this.panel.append(button(n.open ? "Close it" : "Open it", () => this.toggle(key)));
    if (n.bundle) {
      const others = n.members.slice(0, mostListed).map((m) => el("li", {}, button(this.graph.name(m), () => this.select(String(m)), { class: "link" })));
      this.panel.append(el("ul", {}, ...others), more(n.members.length - mostListed));
    }
    this.ways(n.members[0], n.bundle ? "Ways to the first of them" : "Ways to it");
    for (const c of this.graph.containers([n.members[0]])) this.ways(c, `Ways to ${this.graph.name(c)}, which it lies in`);
    this.listing("What is missing to it", this.graph.into[n.members[0]].filter((i) => this.graph.edges[i].absent), (e) => e.from);
    if (!n.bundle) this.listing("What it has, or leads to", this.graph.out[n.members[0]], (e) => e.to);
  }

  private ways(to: number, heading: string): void {
    const paths = this.graph.ways(to, mostWays + 1);
    if (paths.length === 0) return;
    const items = paths.slice(0, mostWays).map((path) => {
      const li = el("li", {}, this.graph.name(this.graph.edges[path[0]].from));
      path.forEach((i) => {
        const e = this.graph.edges[i];
        li.append(" ", el("i", {}, `→ ${words(e)}`), " ", this.graph.name(e.to));
      });
      const last = this.graph.edges[path[path.length - 1]];
      if (last.where) li.append(" ", el("small", {}, last.where.length > 0 ? `usable in ${last.where.join(", ")}` : "usable in no workspace"));
      if (last.note) li.append(" ", el("small", {}, last.note));
      return li;
    });
    this.panel.append(el("h4", {}, heading), el("ul", { class: "ways" }, ...items), more(paths.length > mostWays ? -1 : 0));
  }

  private listing(heading: string, edges: number[], end: (e: Edge) => number): void {
    if (edges.length === 0) return;
    const items = edges.slice(0, mostListed).map((i) => {
      const e = this.graph.edges[i];
      const li = el("li", {}, el("i", {}, words(e)), " ", button(this.graph.name(end(e)), () => this.select(String(end(e))), { class: "link" }));
      if (e.absent && e.note) li.append(" ", el("small", {}, e.note));
      if (e.severity) li.prepend(el("span", { class: "badge " + e.severity }, e.severity), " ");
      return li;
    });
    this.panel.append(el("h4", {}, heading), el("ul", {}, ...items), more(edges.length - mostListed));
  }
}

// words is what an edge says: what it gives, or of what kind it is.
function words(e: Edge): string {
  const what = e.gives && e.gives.length > 0 ? `${e.kind} (${e.gives.join(", ")})` : e.kind;
  if (e.change) return `${changeWords(e.change)}: ${what}`;
  return e.severity ? `${e.severity}: ${what}` : what;
}

function more(n: number): Node {
  if (n === 0 || n < -1) return document.createTextNode("");
  return el("p", { class: "note" }, n < 0 ? "There are more; the tables list them." : `${n.toLocaleString("en")} more; the tables list them.`);
}

function keyOf(target: EventTarget | null, selector: string, attribute: string): string {
  return (target instanceof Element && target.closest(selector)?.getAttribute(attribute)) || "";
}

function legend(g: Graph): HTMLElement {
  const has = (...kinds: string[]) => g.data.nodes.some((n) => kinds.includes(n.k));
  const items: [string, string][] = [["person", "who"]];
  if (has("group")) items.push(["group", "group"]);
  if (has("workspace", "metastore", "account")) items.push(["place", "workspace, metastore"]);
  items.push(["thing", "what can be reached"]);
  if (has("role", "risk")) items.push(["power", "role or risk"]);
  const list = el("ul", { class: "legend", "aria-label": "Legend" }, ...items.map(([c, text]) => el("li", {}, el("span", { class: "swatch " + c, "aria-hidden": "true" }), text)));
  list.append(el("li", {}, el("span", { class: "swatch holds", "aria-hidden": "true" }), "lies in"));
  if (g.edges.some((e) => e.absent)) list.append(el("li", {}, el("span", { class: "swatch absent", "aria-hidden": "true" }), "✗ missing, would have to be there"));
  for (const c of ["added", "removed", "changed"]) {
    if (g.edges.some((e) => e.change === c) || g.data.nodes.some((n) => n.c === c)) list.append(el("li", {}, el("span", { class: "swatch " + c, "aria-hidden": "true" }), changeWords(c)));
  }
  if (g.edges.some((e) => e.severity)) list.append(el("li", {}, el("span", { class: "swatch risk", "aria-hidden": "true" }), "▲ way to more"));
  return list;
}

// drag moves the map under the pointer.
function drag(stage: HTMLElement): void {
  let from: { x: number; y: number; left: number; top: number } | null = null;
  stage.addEventListener("pointerdown", (e) => {
    if (e.pointerType === "mouse" && e.button === 0 && !keyOf(e.target, ".node", "data-key")) from = { x: e.clientX, y: e.clientY, left: stage.scrollLeft, top: stage.scrollTop };
  });
  stage.addEventListener("pointermove", (e) => {
    if (!from) return;
    stage.scrollLeft = from.left - (e.clientX - from.x);
    stage.scrollTop = from.top - (e.clientY - from.y);
  });
  for (const end of ["pointerup", "pointerleave", "pointercancel"]) stage.addEventListener(end, () => (from = null));
}
