// Tables that are in the page become sortable, filterable and paged. Only the rows that are looked at are
// left in the page, so that thousands cost nothing; paper has every row that passes the filters.

import { button, el, plural } from "./dom";
import type { Facet, State } from "./state";

export const pageLength = 50;

// The columns that a facet looks into.
const columnsOf: Record<Facet, string[]> = {
  privilege: ["privilege", "privileges", "level", "action"],
  source: ["source"],
  workspace: ["reachable_in", "workspace", "object_workspace", "proof_workspace"],
  severity: ["severity"],
  change: [],
};

const ranks: Record<string, number> = { critical: 0, high: 1, medium: 2, low: 3, failed: 0, warning: 1, ok: 2, ALLOW: 0, INDIRECT: 1, UNKNOWN: 2, DENY: 3 };

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

// parseList takes apart a cell of several names: those that hold a separator stand in quotes, inner
// quotes doubled.
export function parseList(text: string): string[] {
  const all: string[] = [];
  for (const m of text.matchAll(/"((?:[^"]|"")*)"|[^",][^,]*/g)) all.push(m[1] !== undefined ? m[1].replaceAll('""', '"') : m[0].trim());
  return all.filter(Boolean);
}

interface Row {
  tr: HTMLTableRowElement;
  order: number;
  text: string; // in lower case, to search in; made when it is first needed
}

export class Table {
  readonly name: string;
  readonly keys: string[];
  private readonly rows: Row[];
  private passing: Row[] = [];
  private page = 0;
  private sorted = "";
  private readonly body: HTMLTableSectionElement;
  private readonly heads: HTMLTableCellElement[];
  private readonly status = el("span", { role: "status" });
  private readonly pager = el("span", { class: "pager" });
  private readonly input: HTMLInputElement;

  constructor(
    element: HTMLTableElement,
    private readonly state: State,
    private readonly changed: () => void,
  ) {
    this.name = element.dataset.name!;
    this.body = element.tBodies[0];
    this.heads = [...element.tHead!.rows[0].cells];
    this.keys = this.heads.map((h) => h.dataset.key!);
    this.rows = [...this.body.rows].map((tr, order) => ({ tr, order, text: "" }));
    this.heads.forEach((head, i) => {
      const b = button(head.textContent!, () => this.sort(i), { class: "sort" });
      head.replaceChildren(b);
    });
    const title = element.closest("section")!.querySelector("h3")!.firstChild!.textContent!.trim();
    this.input = el("input", { type: "search", "aria-label": `Filter ${title}`, placeholder: "Filter these rows" });
    this.input.value = state.filters.get(this.name) ?? "";
    this.input.addEventListener("input", () => {
      if (this.input.value) state.filters.set(this.name, this.input.value);
      else state.filters.delete(this.name);
      this.page = 0;
      this.update();
      this.changed();
    });
    const tools = el("div", { class: "tools" }, this.status, this.pager);
    if (this.rows.length > 1) tools.prepend(this.input);
    element.closest(".scroll")!.before(tools);
  }

  // values are those of a facet in this table.
  values(f: Facet): string[] {
    const columns = this.columns(f);
    return this.rows.flatMap((r) => columns.flatMap((c) => cell(r, c, f)));
  }

  private columns(f: Facet): number[] {
    return columnsOf[f].map((k) => this.keys.indexOf(k)).filter((i) => i >= 0);
  }

  private sort(column: number): void {
    const key = this.keys[column];
    const now = this.state.sorts.get(this.name);
    if (now?.key !== key) this.state.sorts.set(this.name, { key, down: false });
    else if (!now.down) this.state.sorts.set(this.name, { key, down: true });
    else this.state.sorts.delete(this.name);
    this.page = 0;
    this.update();
    this.changed();
  }

  update(): void {
    this.order();
    const own = (this.state.filters.get(this.name) ?? "").trim().toLowerCase();
    const query = this.state.query.trim().toLowerCase();
    const facets = (Object.entries(this.state.facet) as [Facet, string][]).filter(([, v]) => v).map(([f, value]) => ({ f, value, columns: this.columns(f) })).filter((f) => f.columns.length > 0);
    this.passing = this.rows.filter((r) => {
      if (own || query) {
        r.text ||= r.tr.textContent!.toLowerCase();
        if (!r.text.includes(own) || !r.text.includes(query)) return false;
      }
      return facets.every(({ f, value, columns }) => columns.some((c) => cell(r, c, f).includes(value)));
    });
    this.page = Math.min(this.page, Math.max(0, Math.ceil(this.passing.length / pageLength) - 1));
    this.turn();
  }

  // turn shows one page of the rows that pass.
  private turn(): void {
    const first = this.page * pageLength;
    this.body.replaceChildren(...this.passing.slice(first, first + pageLength).map((r) => r.tr));
    const n = this.passing.length;
    const all = this.rows.length;
    const part = n > pageLength ? `${(first + 1).toLocaleString("en")}–${Math.min(first + pageLength, n).toLocaleString("en")} of ` : "";
    this.status.textContent = n === all ? part + plural(all, "row") : `${part}${plural(n, "row")} that pass, of ${all.toLocaleString("en")}`;
    const last = Math.ceil(n / pageLength) - 1;
    this.pager.replaceChildren();
    if (last > 0) {
      const go = (label: string, to: number, name: string) => {
        const b = button(label, () => {
          this.page = to;
          this.turn();
        }, { "aria-label": name });
        b.disabled = to < 0 || to > last || to === this.page;
        return b;
      };
      this.pager.append(go("«", 0, "First page"), go("‹", this.page - 1, "Previous page"), go("›", this.page + 1, "Next page"), go("»", last, "Last page"));
    }
  }

  // print puts every row that passes on the page, or takes the others out again.
  print(all: boolean): void {
    if (all) this.body.replaceChildren(...this.passing.map((r) => r.tr));
    else this.turn();
  }

  private order(): void {
    const sort = this.state.sorts.get(this.name);
    const column = sort ? this.keys.indexOf(sort.key) : -1;
    const wanted = column < 0 ? "" : (sort!.down ? "-" : "") + sort!.key;
    this.heads.forEach((h, i) => {
      if (i === column) h.setAttribute("aria-sort", sort!.down ? "descending" : "ascending");
      else h.removeAttribute("aria-sort");
    });
    if (wanted === this.sorted) return;
    this.sorted = wanted;
    if (column < 0) {
      this.rows.sort((a, b) => a.order - b.order);
    } else {
      const cells = new Map(this.rows.map((r) => [r, r.tr.cells[column].textContent!.trim()]));
      const direction = sort!.down ? -1 : 1;
      this.rows.sort((a, b) => direction * compare(cells.get(a)!, cells.get(b)!) || a.order - b.order);
    }
  }
}

// compare puts closed lists in their order, what is empty last, and other texts as people sort them.
function compare(a: string, b: string): number {
  if (a in ranks && b in ranks) return ranks[a] - ranks[b];
  if ((a === "") !== (b === "")) return a === "" ? 1 : -1;
  return collator.compare(a, b);
}

function cell(r: Row, column: number, f: Facet): string[] {
  const text = r.tr.cells[column].textContent!.trim();
  if (!text) return [];
  return f === "privilege" || f === "workspace" ? parseList(text) : [text];
}
