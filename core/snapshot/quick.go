package snapshot

import (
	"unicode/utf8"

	"databricks-access-audit/core/identity"
)

// quick reads the two kinds of line that most of a file is made of, securables and reads, as Write writes
// them: fields in order, no spaces, texts without escapes. It is no reader of JSON. Whatever it does not
// expect it leaves to one, so a field that it does not know costs time and not truth; a test sees that it
// knows them all. What it gives is good until the next line.
type quick struct {
	b     []byte
	i     int
	bad   bool
	texts *texts
	sets  map[string][]identity.Privilege // by their spelling in the file

	securables securables
	reads      reads
	grants     []grant
}

// line reads a line; ok is false when it is for a reader of JSON.
func (q *quick) line(b []byte) (x line, ok bool) {
	q.b, q.i, q.bad = b, 0, false
	q.want('{')
	switch {
	case q.field("securables"):
		q.readSecurables(&q.securables)
		x.Securables = &q.securables
	case q.field("reads"):
		q.readReads(&q.reads)
		x.Reads = &q.reads
	default:
		return line{}, false
	}
	q.want('}')
	q.want('\n')
	if q.bad || q.i != len(q.b) {
		return line{}, false
	}
	return x, true
}

func (q *quick) readSecurables(x *securables) {
	*x = securables{List: x.List[:0]}
	q.grants = q.grants[:0]
	q.want('{')
	q.place(&x.place)
	if x.List == nil {
		x.List = []securable{}
	}
	if !q.field("list") {
		q.bad = true
	}
	for q.want('['); q.element(); {
		x.List = append(x.List, securable{})
		q.securable(&x.List[len(x.List)-1])
	}
	q.want('}')
}

func (q *quick) place(x *place) {
	q.kept("metastore", &x.Metastore)
	q.kept("catalog", &x.Catalog)
	q.kept("schema", &x.Schema)
}

func (q *quick) securable(x *securable) {
	q.want('{')
	word(q, "type", &x.Type)
	q.string("name", &x.Name)
	q.kept("owner", &x.Owner)
	q.kept("isolation", &x.Isolation)
	q.kept("table_type", &x.TableType)
	q.kept("catalog_type", &x.CatalogType)
	q.yes("browse_only", &x.BrowseOnly)
	q.kept("volume_type", &x.VolumeType)
	q.string("path", &x.Path)
	if q.field("bases") {
		x.Bases = []fullName{}
		for q.want('['); q.element(); {
			x.Bases = append(x.Bases, fullName{})
			q.fullName(&x.Bases[len(x.Bases)-1])
		}
	}
	q.yes("bases_known", &x.BasesKnown)
	q.yes("row_filter", &x.RowFilter)
	q.yes("column_mask", &x.ColumnMask)
	if q.field("grants") {
		first := len(q.grants)
		for q.want('['); q.element(); {
			q.grants = append(q.grants, grant{})
			q.grant(&q.grants[len(q.grants)-1])
		}
		if x.Grants = q.grants[first:len(q.grants):len(q.grants)]; len(x.Grants) == 0 {
			x.Grants = []grant{}
		}
	}
	q.want('}')
}

func (q *quick) fullName(x *fullName) {
	q.want('{')
	q.place(&x.place)
	word(q, "type", &x.Type)
	q.string("name", &x.Name)
	q.want('}')
}

func (q *quick) grant(x *grant) {
	q.want('{')
	q.kept("to", &x.To)
	q.string("deleted_id", &x.DeletedID)
	if q.field("privileges") {
		x.Privileges = q.privileges()
	}
	q.want('}')
}

// privileges reads a list of which there are few different ones.
func (q *quick) privileges() []identity.Privilege {
	first := q.i
	for q.want('['); q.element(); {
		q.text()
	}
	if q.bad {
		return nil
	}
	spelling := q.b[first:q.i]
	if ps, ok := q.sets[string(spelling)]; ok {
		return ps
	}
	ps := []identity.Privilege{}
	q.i = first
	for q.want('['); q.element(); {
		ps = append(ps, identity.Privilege(q.text()))
	}
	if q.sets == nil {
		q.sets = map[string][]identity.Privilege{}
	}
	q.sets[string(spelling)] = ps
	return ps
}

func (q *quick) readReads(x *reads) {
	*x = reads{List: x.List[:0]}
	q.want('{')
	q.kept("op", &x.Op)
	q.place(&x.place)
	if x.List == nil {
		x.List = []read{}
	}
	if !q.field("list") {
		q.bad = true
	}
	for q.want('['); q.element(); {
		x.List = append(x.List, read{})
		q.read(&x.List[len(x.List)-1])
	}
	q.want('}')
}

func (q *quick) read(x *read) {
	q.want('{')
	word(q, "type", &x.Type)
	q.string("name", &x.Name)
	q.string("principal", &x.Principal)
	number(q, "workspace", &x.Workspace)
	word(q, "listed", &x.Listed)
	q.string("searched", &x.Searched)
	if q.field("object") {
		x.Object = &objectName{}
		q.want('{')
		number(q, "workspace", &x.Object.Workspace)
		word(q, "type", &x.Object.Type)
		q.string("id", &x.Object.ID)
		q.want('}')
	}
	word(q, "failure", &x.Failure)
	number(q, "status", &x.Status)
	q.kept("message", &x.Message)
	q.yes("partial", &x.Partial)
	q.yes("needed", &x.Needed)
	q.string("at", &x.At)
	q.want('}')
}

// at gives the byte that comes next, zero at the end.
func (q *quick) at() byte {
	if q.i < len(q.b) {
		return q.b[q.i]
	}
	return 0
}

func (q *quick) want(c byte) {
	if q.at() != c {
		q.bad = true
		return
	}
	q.i++
}

// field steps over the name of a field, if that is what comes next.
func (q *quick) field(name string) bool {
	i := q.i
	if i > 0 && i < len(q.b) && q.b[i-1] != '{' {
		if q.b[i] != ',' {
			return false
		}
		i++
	}
	end := i + len(name) + len(`"":`)
	if q.bad || end > len(q.b) || q.b[i] != '"' || string(q.b[i+1:end-2]) != name || q.b[end-2] != '"' || q.b[end-1] != ':' {
		return false
	}
	q.i = end
	return true
}

// element steps to the next element of a list, or over its end.
func (q *quick) element() bool {
	switch {
	case q.bad:
		return false
	case q.at() == ']':
		q.i++
		return false
	case q.b[q.i-1] != '[':
		q.want(',')
	}
	return !q.bad
}

// text steps over a text, which is good until the next line.
func (q *quick) text() []byte {
	q.want('"')
	first, ascii := q.i, true
	for ; q.i < len(q.b); q.i++ {
		switch c := q.b[q.i]; {
		case c == '"':
			text := q.b[first:q.i]
			q.bad = q.bad || !ascii && !utf8.Valid(text)
			q.i++
			return text
		case c == '\\' || c < ' ':
			q.bad = true
			return nil
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	q.bad = true
	return nil
}

// string reads a text that few facts bear, and kept one that many do.
func (q *quick) string(name string, to *string) {
	if q.field(name) {
		*to = string(q.text())
	}
}

func (q *quick) kept(name string, to *string) {
	if q.field(name) {
		*to = q.texts.of(q.text())
	}
}

func word[T ~string](q *quick, name string, to *T) {
	if q.field(name) {
		*to = T(q.texts.of(q.text()))
	}
}

// yes reads what is only told where it is true.
func (q *quick) yes(name string, to *bool) {
	if q.field(name) {
		const yes = "true"
		*to = len(q.b)-q.i >= len(yes) && string(q.b[q.i:q.i+len(yes)]) == yes
		q.bad, q.i = q.bad || !*to, q.i+len(yes)
	}
}

// number reads a whole number that is no larger than any of Databricks' ids.
func number[T ~int | ~int64](q *quick, name string, to *T) {
	if !q.field(name) {
		return
	}
	first := q.i
	for '0' <= q.at() && q.at() <= '9' {
		*to = *to*10 + T(q.at()-'0')
		q.i++
	}
	const most = 18 // digits that fit for certain
	n := q.i - first
	q.bad = q.bad || n == 0 || n > most || n > 1 && q.b[first] == '0'
}
