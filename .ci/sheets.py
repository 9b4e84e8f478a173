"""Compares what LibreOffice made of our tables, as ODS, with the texts that are in them."""

import csv
import pathlib
import re
import sys
import zipfile
from xml.etree import ElementTree

TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"

# A number, a truth value or a time. CSV cannot set a text apart that looks like one: ids, and names such as
# 1e400. The workbook can.
PLAIN = re.compile(r"\d+(\.\d+)?(e\d+)?%?|true|false|\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?", re.IGNORECASE)


def main(wrote: str, read: str) -> None:
    wrote, read = pathlib.Path(wrote), pathlib.Path(read)
    texts = 0
    for name in ("hostile", "roles"):
        texts += compare(name + ".csv", [rows_of_csv(wrote / f"{name}.csv")], sheets(read / "csv" / f"{name}.ods"), values=True)
        texts += compare(name + ".xlsx", rows_of_xlsx(wrote / f"{name}.xlsx"), sheets(read / "xlsx" / f"{name}.ods"), values=False)
    raw = [c for sheet in sheets(read / "csv" / "raw.ods") for row in sheet for c in row if c[1]]
    if not raw:
        sys.exit("raw.csv holds formulas, and LibreOffice found none: this check would find none either")
    print(f"sheets: {texts} cells are the text that they were, and none is a formula; in raw cells there are {len(raw)}")


def compare(name, want, got, values):
    """Counts the texts. values says whether the format cannot tell text from numbers."""
    texts = 0
    if len(got) < len(want):
        sys.exit(f"{name}: {len(got)} sheets of {len(want)}")
    for n, rows in enumerate(want):
        for y, row in enumerate(rows):
            for x, text in enumerate(row):
                shown, formula, kind = cell(got[n], y, x)
                where = f"{name}, sheet {n + 1}, row {y + 1}, column {x + 1}"
                if formula:
                    sys.exit(f"{where}: {text!r} became the formula {formula!r}")
                if text == "":
                    continue
                if kind != "string":
                    if not values or not PLAIN.fullmatch(text):
                        sys.exit(f"{where}: {text!r} became a {kind}")
                    continue
                if shown != text:
                    sys.exit(f"{where}: {text!r} became {shown!r}")
                texts += 1
    if texts < 100:
        sys.exit(f"{name}: only {texts} texts")
    return texts


def cell(sheet, y, x):
    return sheet[y][x] if y < len(sheet) and x < len(sheet[y]) else ("", None, None)


def rows_of_csv(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.reader(f))


def rows_of_xlsx(path):
    """Every cell that excelize's stream writes is an inline string."""
    all_sheets = []
    with zipfile.ZipFile(path) as z:
        for n in range(1, 1 + sum(s.startswith("xl/worksheets/sheet") for s in z.namelist())):
            rows = []
            for row in ElementTree.fromstring(z.read(f"xl/worksheets/sheet{n}.xml")).iter(SHEET + "row"):
                cells = {}
                for c in row.iter(SHEET + "c"):
                    if c.find(SHEET + "f") is not None or c.get("t") not in ("inlineStr", None):
                        sys.exit(f"{path.name}: {c.get('r')} is no inline text")
                    cells[column(c.get("r"))] = plain("".join(t.text or "" for t in c.iter(SHEET + "t")))
                rows.append([cells.get(x, "") for x in range(max(cells, default=-1) + 1)])
            all_sheets.append(rows)
    return all_sheets


def plain(text):
    """A text as a workbook means it: ECMA-376 part 1, 22.9.2.19 (ST_Xstring)."""
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda m: chr(int(m[1], 16)), text)


def column(reference):
    n = 0
    for letter in reference.rstrip("0123456789"):
        n = n * 26 + ord(letter) - ord("A") + 1
    return n - 1


def sheets(path):
    """The cells of an ODS as (text, formula, type)."""
    with zipfile.ZipFile(path) as z:
        root = ElementTree.fromstring(z.read("content.xml"))
    return [[cells(row) for row in repeated(table.iter(TABLE + "table-row"), "rows")] for table in root.iter(TABLE + "table")]


def repeated(elements, what):
    for e in elements:
        n = int(e.get(f"{TABLE}number-{what}-repeated", "1"))
        for _ in range(n if n < 1000 else 0):  # the rest of a sheet is empty
            yield e


def cells(row):
    all_cells = []
    for c in repeated((c for c in row if c.tag in (TABLE + "table-cell", TABLE + "covered-table-cell")), "columns"):
        all_cells.append(("\n".join(words(p) for p in c.findall(TEXT + "p")), c.get(TABLE + "formula"), c.get(OFFICE + "value-type")))
    return all_cells


def words(p):
    """A paragraph as text: spaces in a row and tabs are elements."""
    text = p.text or ""
    for e in p:
        if e.tag == TEXT + "s":
            text += " " * int(e.get(TEXT + "c", "1"))
        elif e.tag == TEXT + "tab":
            text += "\t"
        else:
            text += words(e)
        text += e.tail or ""
    return text


main(*sys.argv[1:])
