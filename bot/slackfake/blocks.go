package slackfake

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Surface is where blocks are shown.
type Surface int

// The surfaces that this fake knows.
const (
	SurfaceMessage Surface = iota
	SurfaceModal
)

// BlockError is the refusal of blocks or of a view.
type BlockError struct {
	Code     string   // invalid_blocks, msg_blocks_too_long, invalid_attachments, invalid_arguments
	Messages []string // as in response_metadata.messages
}

// Error returns the code and the messages.
func (e *BlockError) Error() string { return e.Code + ": " + strings.Join(e.Messages, "; ") }

func (e *BlockError) refusal() *refusal { return &refusal{code: e.Code, messages: e.Messages} }

// maxBlockContent is where Slack answers msg_blocks_too_long. It is not
// documented; users meet it at about 13,000 characters.
const maxBlockContent = 13_000

// CheckBlocks checks a JSON array of blocks against the limits of
// https://docs.slack.dev/reference/block-kit/blocks and returns a
// [*BlockError] or nil. Lengths are in characters.
func CheckBlocks(blocks json.RawMessage, surface Surface) error {
	var list []any
	if err := json.Unmarshal(blocks, &list); err != nil {
		return &BlockError{Code: "invalid_blocks_format", Messages: []string{"[ERROR] blocks are not a JSON array"}}
	}
	c := &checker{surface: surface, blockIDs: map[string]bool{}}
	c.count("/blocks", len(list), 0, map[Surface]int{SurfaceMessage: 50, SurfaceModal: 100}[surface], "items")
	for i, b := range list {
		c.block(fmt.Sprintf("/blocks/%d", i), b)
	}
	switch {
	case len(c.found) > 0:
		return &BlockError{Code: "invalid_blocks", Messages: c.found}
	case c.tables > 1 && surface == SurfaceMessage:
		return &BlockError{Code: "invalid_attachments", Messages: []string{"only_one_table_allowed"}}
	case c.markdown > 12_000, surface == SurfaceMessage && c.content > maxBlockContent:
		return &BlockError{Code: "msg_blocks_too_long", Messages: []string{fmt.Sprintf("[ERROR] %d characters of content", max(c.content, c.markdown))}}
	}
	return nil
}

// CheckView checks a modal,
// https://docs.slack.dev/reference/views/modal-views, and returns a
// [*BlockError] or nil.
func CheckView(source json.RawMessage) error {
	var v map[string]any
	if err := json.Unmarshal(source, &v); err != nil {
		return &BlockError{Code: "invalid_arguments", Messages: []string{"[ERROR] view is not a JSON object"}}
	}
	c := &checker{surface: SurfaceModal, blockIDs: map[string]bool{}}
	if str(v, "type") != "modal" {
		c.bad("/view/type", "must be modal")
	}
	c.text("/view/title", v["title"], plainOnly, 24)
	for _, name := range []string{"submit", "close"} {
		if v[name] != nil {
			c.text("/view/"+name, v[name], plainOnly, 24)
		}
	}
	c.length("/view/private_metadata", v["private_metadata"], 0, 3000)
	c.length("/view/callback_id", v["callback_id"], 0, 255)
	blocks, ok := v["blocks"].([]any)
	if !ok {
		c.bad("/view/blocks", "missing required field: blocks")
	}
	if hasInput(blocks) && v["submit"] == nil {
		c.bad("/view/submit", "required when an input block is present")
	}
	if len(c.found) > 0 {
		return &BlockError{Code: "invalid_arguments", Messages: c.found}
	}
	raw, err := json.Marshal(blocks)
	if err != nil {
		panic(fmt.Sprintf("slackfake: decoded blocks do not encode: %v", err))
	}
	var e *BlockError
	if errors.As(CheckBlocks(raw, SurfaceModal), &e) {
		return &BlockError{Code: "invalid_arguments", Messages: e.Messages}
	}
	return nil
}

func hasInput(blocks []any) bool {
	return slices.ContainsFunc(blocks, func(b any) bool {
		block, ok := b.(map[string]any)
		return ok && block["type"] == "input"
	})
}

// checker collects what is wrong, with JSON pointers as Slack gives them.
type checker struct {
	surface  Surface
	found    []string
	blockIDs map[string]bool
	tables   int
	content  int // characters of text in all blocks
	markdown int // of them in markdown blocks
}

func (c *checker) bad(path, format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf("[ERROR] "+format, args...)+" [json-pointer:"+path+"]")
}

func (c *checker) count(path string, n, low, high int, what string) {
	if n < low {
		c.bad(path, "no less than %d %s allowed", low, what)
	}
	if n > high {
		c.bad(path, "no more than %d %s allowed", high, what)
	}
}

// length checks an optional string; low is its least length when present.
func (c *checker) length(path string, value any, low, high int) {
	if value == nil {
		return
	}
	text, ok := value.(string)
	if !ok {
		c.bad(path, "must be a string")
		return
	}
	n := utf8.RuneCountInString(text)
	if n < low {
		c.bad(path, "must be more than %d characters", low-1)
	}
	if n > high {
		c.bad(path, "must be less than %d characters", high+1)
	}
}

type textKind bool

const (
	plainOnly textKind = false
	anyText   textKind = true
)

// text checks a text object, https://docs.slack.dev/reference/block-kit/composition-objects/text-object.
func (c *checker) text(path string, value any, kind textKind, high int) {
	object, ok := value.(map[string]any)
	if !ok {
		c.bad(path, "missing required field: text object")
		return
	}
	switch t := str(object, "type"); {
	case t == "plain_text":
	case t == "mrkdwn" && kind == anyText:
	default:
		c.bad(path+"/type", "unsupported text type: %q", t)
	}
	if object["text"] == nil {
		c.bad(path+"/text", "missing required field: text")
	}
	c.length(path+"/text", object["text"], 1, high)
	c.content += utf8.RuneCountInString(str(object, "text"))
}

// blockChecks has every block type and its check.
func blockChecks() map[string]func(*checker, string, map[string]any) {
	return map[string]func(*checker, string, map[string]any){
		"section":            (*checker).section,
		"header":             (*checker).header,
		"divider":            func(*checker, string, map[string]any) {},
		"context":            (*checker).context,
		"actions":            (*checker).actions,
		"image":              (*checker).image,
		"input":              (*checker).input,
		"rich_text":          (*checker).richText,
		"markdown":           (*checker).markdownBlock,
		"table":              (*checker).table,
		"data_table":         (*checker).dataTable,
		"data_visualization": (*checker).dataVisualization,
		"card":               (*checker).card,
		"carousel":           (*checker).carousel,
		"container":          (*checker).container,
		"plan":               (*checker).plan,
		"task_card":          (*checker).taskCard,
		"alert":              (*checker).alert,
		"video":              func(*checker, string, map[string]any) {},
		"context_actions":    (*checker).actions,
	}
}

// messageOnly are the blocks that a modal refuses.
var messageOnly = []string{"container", "carousel", "markdown", "table", "data_table", "card", "plan", "task_card"}

func (c *checker) block(path string, value any) {
	b, ok := value.(map[string]any)
	if !ok {
		c.bad(path, "must be an object")
		return
	}
	kind := str(b, "type")
	check := blockChecks()[kind]
	switch {
	case check == nil,
		kind == "alert" && c.surface == SurfaceMessage,
		c.surface == SurfaceModal && slices.Contains(messageOnly, kind):
		c.bad(path+"/type", "unsupported type: %s", kind)
		return
	}
	c.length(path+"/block_id", b["block_id"], 1, 255)
	if id := str(b, "block_id"); id != "" {
		if c.blockIDs[id] {
			c.bad(path+"/block_id", "block_id %q already exists", id)
		}
		c.blockIDs[id] = true
	}
	check(c, path, b)
}

func (c *checker) section(path string, b map[string]any) {
	fields := list(b, "fields")
	if b["text"] == nil && len(fields) == 0 {
		c.bad(path, "missing required field: text or fields")
	}
	if b["text"] != nil {
		c.text(path+"/text", b["text"], anyText, 3000)
	}
	c.count(path+"/fields", len(fields), 0, 10, "items")
	for i, f := range fields {
		c.text(fmt.Sprintf("%s/fields/%d", path, i), f, anyText, 2000)
	}
	if b["accessory"] != nil {
		c.element(path+"/accessory", b["accessory"], map[string]bool{})
	}
}

func (c *checker) header(path string, b map[string]any) {
	c.text(path+"/text", b["text"], plainOnly, 150)
	if level, ok := b["level"].(float64); ok && (level < 1 || level > 4) {
		c.bad(path+"/level", "must be between 1 and 4")
	}
}

func (c *checker) context(path string, b map[string]any) {
	elements := list(b, "elements")
	c.count(path+"/elements", len(elements), 1, 10, "items")
	for i, e := range elements {
		at := fmt.Sprintf("%s/elements/%d", path, i)
		if object, ok := e.(map[string]any); ok && str(object, "type") == "image" {
			c.image(at, object)
			continue
		}
		c.text(at, e, anyText, 3000) // the limit of text objects in general
	}
}

func (c *checker) actions(path string, b map[string]any) {
	elements := list(b, "elements")
	c.count(path+"/elements", len(elements), 1, 25, "items")
	ids := map[string]bool{}
	for i, e := range elements {
		c.element(fmt.Sprintf("%s/elements/%d", path, i), e, ids)
	}
}

func (c *checker) image(path string, b map[string]any) {
	if b["image_url"] == nil && b["slack_file"] == nil {
		c.bad(path, "missing required field: image_url or slack_file")
	}
	c.length(path+"/image_url", b["image_url"], 1, 3000)
	if b["alt_text"] == nil {
		c.bad(path, "missing required field: alt_text")
	}
	c.length(path+"/alt_text", b["alt_text"], 0, 2000)
	if b["title"] != nil {
		c.text(path+"/title", b["title"], plainOnly, 2000)
	}
}

func (c *checker) input(path string, b map[string]any) {
	c.text(path+"/label", b["label"], plainOnly, 2000)
	if b["hint"] != nil {
		c.text(path+"/hint", b["hint"], plainOnly, 2000)
	}
	c.element(path+"/element", b["element"], map[string]bool{})
}

// element checks an interactive element,
// https://docs.slack.dev/reference/block-kit/block-elements. ids are the
// action ids of its block.
func (c *checker) element(path string, value any, ids map[string]bool) {
	e, ok := value.(map[string]any)
	if !ok {
		c.bad(path, "must be an object")
		return
	}
	c.length(path+"/action_id", e["action_id"], 1, 255)
	if id := str(e, "action_id"); id != "" {
		if ids[id] {
			c.bad(path+"/action_id", "action_id %q already exists for another element in this block", id)
		}
		ids[id] = true
	}
	if e["confirm"] != nil {
		c.confirm(path+"/confirm", e["confirm"])
	}
	switch kind := str(e, "type"); kind {
	case "button", "workflow_button":
		c.button(path, e)
	case "image":
		c.image(path, e)
	case "overflow":
		c.options(path, e, 5)
	case "static_select", "multi_static_select":
		c.options(path, e, 100)
	case "checkboxes", "radio_buttons":
		c.options(path, e, 10)
	case "":
		c.bad(path, "missing required field: type")
	}
}

func (c *checker) button(path string, e map[string]any) {
	c.text(path+"/text", e["text"], plainOnly, 75)
	c.length(path+"/value", e["value"], 0, 2000)
	c.length(path+"/url", e["url"], 0, 3000)
	c.length(path+"/accessibility_label", e["accessibility_label"], 0, 75)
	if style := str(e, "style"); e["style"] != nil && style != "primary" && style != "danger" {
		c.bad(path+"/style", "must be primary or danger")
	}
}

// confirm is https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object.
func (c *checker) confirm(path string, value any) {
	d, ok := value.(map[string]any)
	if !ok {
		c.bad(path, "must be an object")
		return
	}
	c.text(path+"/title", d["title"], plainOnly, 100)
	c.text(path+"/text", d["text"], anyText, 300)
	c.text(path+"/confirm", d["confirm"], plainOnly, 30)
	c.text(path+"/deny", d["deny"], plainOnly, 30)
}

// options is https://docs.slack.dev/reference/block-kit/composition-objects/option-object.
func (c *checker) options(path string, e map[string]any, most int) {
	if e["placeholder"] != nil {
		c.text(path+"/placeholder", e["placeholder"], plainOnly, 150)
	}
	if e["option_groups"] != nil {
		c.count(path+"/option_groups", len(list(e, "option_groups")), 1, 100, "items")
		return
	}
	options := list(e, "options")
	c.count(path+"/options", len(options), 1, most, "items")
	for i, o := range options {
		at := fmt.Sprintf("%s/options/%d", path, i)
		option, ok := o.(map[string]any)
		if !ok {
			c.bad(at, "must be an object")
			continue
		}
		c.text(at+"/text", option["text"], anyText, 75)
		c.length(at+"/value", option["value"], 1, 150)
	}
}

func str(object map[string]any, name string) string {
	s, _ := object[name].(string)
	return s
}

func list(object map[string]any, name string) []any {
	l, _ := object[name].([]any)
	return l
}

// withBlockIDs gives ids to the blocks that have none, as Slack does.
func withBlockIDs(blocks json.RawMessage) any {
	var all []map[string]any
	if json.Unmarshal(blocks, &all) != nil {
		return blocks
	}
	for i, b := range all {
		if b["block_id"] == nil {
			b["block_id"] = defaultBlockID(i)
		}
	}
	return all
}

func defaultBlockID(i int) string { return fmt.Sprintf("b%03d", i) }

// blockIDAt returns the id of the block that holds the node at path.
func blockIDAt(blocks json.RawMessage, path string) string {
	var i int
	var all []map[string]any
	if _, err := fmt.Sscanf(path, "/%d", &i); err != nil || json.Unmarshal(blocks, &all) != nil || i >= len(all) {
		return ""
	}
	if id := str(all[i], "block_id"); id != "" {
		return id
	}
	return defaultBlockID(i)
}

// walkJSON visits every object of a document, parents and earlier siblings
// first, with its JSON pointer.
func walkJSON(raw json.RawMessage, visit func(path string, node map[string]any)) {
	var root any
	if len(raw) == 0 || json.Unmarshal(raw, &root) != nil {
		return
	}
	walkNode("", root, visit)
}

func walkNode(path string, node any, visit func(string, map[string]any)) {
	switch n := node.(type) {
	case []any:
		for i, child := range n {
			walkNode(fmt.Sprintf("%s/%d", path, i), child, visit)
		}
	case map[string]any:
		visit(path, n)
		for _, name := range sortedKeys(n) {
			walkNode(path+"/"+name, n[name], visit)
		}
	}
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
