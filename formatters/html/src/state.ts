// What a reader has chosen, kept in the fragment of the address: it is never sent anywhere, and a link
// to the file shows the same view. Nodes go by their number in the file, so that no name leaves it.

export const facets = ["privilege", "source", "workspace", "severity", "change"] as const;
export type Facet = (typeof facets)[number];

export interface Sort {
  key: string;
  down: boolean;
}

export class State {
  query = "";
  facet: Partial<Record<Facet, string>> = {};
  selected = ""; // key of a node on the map
  opened = new Set<string>();
  closed = new Set<string>();
  sorts = new Map<string, Sort>();
  filters = new Map<string, string>();

  // read takes a fragment; what it does not know it leaves out.
  static read(fragment: string): State {
    const s = new State();
    for (const [name, value] of new URLSearchParams(fragment.replace(/^#/, ""))) {
      const [what, table] = split(name, ".");
      if (name === "q") s.query = value;
      else if ((facets as readonly string[]).includes(name)) s.facet[name as Facet] = value;
      else if (name === "node") s.selected = value;
      else if (name === "open") value.split(".").filter(Boolean).forEach((k) => s.opened.add(k));
      else if (name === "shut") value.split(".").filter(Boolean).forEach((k) => s.closed.add(k));
      else if (what === "sort" && table) s.sorts.set(table, { key: value.replace(/^-/, ""), down: value.startsWith("-") });
      else if (what === "filter" && table) s.filters.set(table, value);
    }
    return s;
  }

  write(): string {
    const p = new URLSearchParams();
    if (this.query) p.set("q", this.query);
    for (const f of facets) if (this.facet[f]) p.set(f, this.facet[f]!);
    if (this.selected) p.set("node", this.selected);
    if (this.opened.size) p.set("open", [...this.opened].join("."));
    if (this.closed.size) p.set("shut", [...this.closed].join("."));
    for (const [table, sort] of this.sorts) p.set("sort." + table, (sort.down ? "-" : "") + sort.key);
    for (const [table, text] of this.filters) if (text) p.set("filter." + table, text);
    return p.toString();
  }

  get filtered(): boolean {
    return this.query !== "" || facets.some((f) => this.facet[f]);
  }
}

function split(text: string, at: string): [string, string] {
  const i = text.indexOf(at);
  return i < 0 ? [text, ""] : [text.slice(0, i), text.slice(i + 1)];
}
