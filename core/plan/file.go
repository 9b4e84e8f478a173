package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"unicode/utf8"

	"databricks-access-audit/core/identity"
)

// format names the format of plans, in files and in what is hashed.
const format = "dbaudit-plan-v1"

// maxFile bounds what is read as a plan: one of the most steps has a few hundred kilobytes.
const maxFile = 16 << 20

// TamperedError says that bytes are no plan that this program wrote, or were changed since.
type TamperedError struct{ Why string }

// Error says why.
func (e *TamperedError) Error() string { return "the plan cannot be used: " + e.Why }

// file is what a plan's bytes hold.
type file struct {
	Digest string          `json:"digest"`
	Format string          `json:"format"`
	Plan   json.RawMessage `json:"plan"`
}

// ID makes the id of a plan from ten random bytes, of which it uses five bits each: "p-" and ten letters
// and digits without those that are easily mistaken.
//
// https://www.crockford.com/base32.html
func ID(random [10]byte) string {
	const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	id := []byte("p-")
	for _, b := range random {
		id = append(id, letters[b&31])
	}
	return string(id)
}

var planID = regexp.MustCompile(`^p-[0-9A-HJKMNP-TV-Z]{10}$`)

// Digest is the fingerprint of a plan, in hexadecimal: SHA-256 over its canonical JSON. Consent is to it.
func Digest(p Plan) (string, error) {
	text, err := canonical(p)
	if err != nil {
		return "", err
	}
	return digest(text), nil
}

func digest(text []byte) string {
	h := sha256.New()
	h.Write([]byte(format + "\n"))
	h.Write(text)
	return hex.EncodeToString(h.Sum(nil))
}

// canonical is the one spelling of a plan: keys in order, no blanks, whole numbers, every field there.
func canonical(p Plan) ([]byte, error) {
	if err := check(p); err != nil {
		return nil, err
	}
	return compact(toWire(p))
}

// compact spells a value of the wire types, whose fields are in the order of their names.
func compact(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("write the plan: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Encode writes a plan with its digest. The same plan gives the same bytes; an error says that the plan
// holds what cannot be written, such as a name that is not UTF-8.
func Encode(p Plan) ([]byte, error) {
	text, err := canonical(p)
	if err != nil {
		return nil, err
	}
	all, err := compact(file{Digest: digest(text), Format: format, Plan: text})
	return append(all, '\n'), err
}

// Decode reads what Encode wrote, and nothing else: bytes that say the same otherwise, or that were changed
// in any place, give a *TamperedError. The digest is that of Digest.
//
// That the bytes hold together says nothing of who wrote them: what is applied must have the digest that
// was consented to.
func Decode(b []byte) (p Plan, sum string, err error) {
	if len(b) > maxFile {
		return Plan{}, "", &TamperedError{"it is longer than any plan"}
	}
	var f file
	if err := strict(b, &f); err != nil {
		return Plan{}, "", &TamperedError{"it is not a plan file: " + err.Error()}
	}
	if f.Format != format {
		return Plan{}, "", &TamperedError{fmt.Sprintf("its format is %q, and this program reads %q", f.Format, format)}
	}
	if digest(f.Plan) != f.Digest {
		return Plan{}, "", &TamperedError{"its content does not have its digest: it was changed"}
	}
	var w wirePlan
	if err := strict(f.Plan, &w); err != nil {
		return Plan{}, "", &TamperedError{"it is not a plan: " + err.Error()}
	}
	r := &reader{}
	p = r.plan(w)
	if r.err != nil {
		return Plan{}, "", &TamperedError{r.err.Error()}
	}
	again, err := Encode(p)
	switch {
	case err != nil:
		return Plan{}, "", &TamperedError{err.Error()}
	case !bytes.Equal(again, b):
		return Plan{}, "", &TamperedError{"it is not spelled as this program writes plans"}
	}
	return p, f.Digest, nil
}

// strict reads one JSON value without fields that are not known, and nothing behind it.
func strict(b []byte, into any) error {
	if !utf8.Valid(b) {
		return errors.New("it is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}

// check refuses plans that could not be carried out as they say.
func check(p Plan) error {
	switch {
	case !planID.MatchString(p.ID):
		return fmt.Errorf("%q is not the id of a plan", p.ID)
	case !slices.Contains([]Kind{Clone, Undo, Expire}, p.Kind):
		return fmt.Errorf("%q is not a kind of plan", p.Kind)
	case !slices.Contains(tiers, p.Tier):
		return fmt.Errorf("%q is not a tier", p.Tier)
	case p.For < 0:
		return errors.New("its time is negative")
	}
	seen := map[string]bool{}
	for _, s := range p.Steps {
		if s.ID == "" || seen[s.ID] {
			return fmt.Errorf("step id %q is empty or there twice", s.ID)
		}
		seen[s.ID] = true
		if err := s.check(); err != nil {
			return fmt.Errorf("step %s: %w", s.ID, err)
		}
	}
	return utf8Only(p)
}

func (s Step) check() error {
	cell, known := cellOf[s.Kind]
	switch {
	case !known:
		return fmt.Errorf("%q is not a kind of step", s.Kind)
	case s.Change == nil && s.Kind.Executable():
		return errors.New("it does not say what to change")
	case s.Change == nil:
		return nil
	case cell != "" && s.Change.Cell.Kind != cell:
		return fmt.Errorf("a step %s cannot change a %s", s.Kind, s.Change.Cell.Kind)
	}
	return s.Change.check()
}

// cellOf is the kind of cell that a kind of step changes; empty is any.
var cellOf = map[StepKind]CellKind{
	AddMember: Member, WorkspaceAssignment: Assigned, Entitlement: Entitled, Grant: Granted, ObjectACL: ObjectLevel,
	IDPRequired: Member, AlreadyMember: "", Skipped: "", Unverified: "", Unexecutable: "",
}

// check refuses values that the cell cannot hold. A workspace permission that is neither would make
// Databricks delete the assignment.
//
// https://docs.databricks.com/api/account/workspaceassignment/update
func (c *Change) check() error {
	fits := func(v Value) bool { return v == Absent || v == Present }
	switch c.Cell.Kind {
	case Member, Entitled, Granted:
	case Assigned:
		fits = func(v Value) bool { return v == Absent || Permission(v) != identity.WorkspaceNone }
	case ObjectLevel:
		fits = func(v Value) bool { return v == Absent || c.Cell.Object.Type.Has(identity.Level(v)) }
	default:
		return fmt.Errorf("%q is not a kind of cell", c.Cell.Kind)
	}
	for _, v := range []Value{c.Before, c.After} {
		if !fits(v) {
			return fmt.Errorf("%q is not a value of a %s", v, c.Cell.Kind)
		}
	}
	return nil
}

// utf8Only refuses texts that JSON would change in the writing.
func utf8Only(p Plan) error {
	written := toWire(p)
	text, err := compact(written)
	if err != nil {
		return err
	}
	var read wirePlan
	if err := json.Unmarshal(text, &read); err != nil {
		return err
	}
	if !reflect.DeepEqual(written, read) {
		return errors.New("it holds a text that is not UTF-8")
	}
	return nil
}
