package slackfake

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// richText is https://docs.slack.dev/reference/block-kit/blocks/rich-text-block.
func (c *checker) richText(path string, b map[string]any) {
	elements := list(b, "elements")
	if b["elements"] == nil {
		c.bad(path, "missing required field: elements")
	}
	for i, e := range elements {
		c.richElement(fmt.Sprintf("%s/elements/%d", path, i), e)
	}
}

func (c *checker) richElement(path string, value any) {
	e, ok := value.(map[string]any)
	if !ok {
		c.bad(path, "must be an object")
		return
	}
	kind := str(e, "type")
	switch kind {
	case "rich_text_section", "rich_text_preformatted", "rich_text_quote":
		for i, leaf := range list(e, "elements") {
			c.richLeaf(fmt.Sprintf("%s/elements/%d", path, i), leaf)
		}
	case "rich_text_list":
		if style := str(e, "style"); style != "bullet" && style != "ordered" {
			c.bad(path+"/style", "must be bullet or ordered")
		}
		for i, item := range list(e, "elements") {
			c.richElement(fmt.Sprintf("%s/elements/%d", path, i), item)
		}
	default:
		c.bad(path+"/type", "unsupported type: %s", kind)
	}
}

// richLeaves are the inline elements with the field each must have.
var richLeaves = map[string]string{
	"text": "text", "link": "url", "user": "user_id", "usergroup": "usergroup_id",
	"channel": "channel_id", "broadcast": "range", "emoji": "name", "date": "timestamp", "color": "value",
}

func (c *checker) richLeaf(path string, value any) {
	e, ok := value.(map[string]any)
	if !ok {
		c.bad(path, "must be an object")
		return
	}
	field, known := richLeaves[str(e, "type")]
	if !known {
		c.bad(path+"/type", "unsupported type: %s", str(e, "type"))
		return
	}
	if e[field] == nil || e[field] == "" {
		c.bad(path+"/"+field, "must be more than 0 characters")
	}
	c.content += utf8.RuneCountInString(str(e, "text"))
	if r := str(e, "range"); r != "" && !slices.Contains([]string{"here", "channel", "everyone"}, r) {
		c.bad(path+"/range", "must be here, channel or everyone")
	}
}

// markdownBlock is https://docs.slack.dev/reference/block-kit/blocks/markdown-block:
// 12,000 characters in all markdown blocks of a payload together.
func (c *checker) markdownBlock(path string, b map[string]any) {
	if str(b, "text") == "" {
		c.bad(path+"/text", "must be more than 0 characters")
	}
	n := utf8.RuneCountInString(str(b, "text"))
	c.markdown += n
	c.content += n
}

// table is https://docs.slack.dev/reference/block-kit/blocks/table-block.
func (c *checker) table(path string, b map[string]any) {
	c.tables++
	rows := list(b, "rows")
	c.count(path+"/rows", len(rows), 1, 100, "items")
	c.count(path+"/column_settings", len(list(b, "column_settings")), 0, 20, "items")
	for i, row := range rows {
		at := fmt.Sprintf("%s/rows/%d", path, i)
		cells, ok := row.([]any)
		if !ok {
			c.bad(at, "must be an array")
			continue
		}
		c.count(at, len(cells), 1, 20, "items")
		for j, cell := range cells {
			c.cell(fmt.Sprintf("%s/%d", at, j), cell, "raw_text", "rich_text", "raw_number")
		}
	}
}

// dataTable is https://docs.slack.dev/reference/block-kit/blocks/data-table-block.
// Its limits moved in 2026; these are the tighter ones.
func (c *checker) dataTable(path string, b map[string]any) {
	c.tables++
	if str(b, "caption") == "" {
		c.bad(path+"/caption", "missing required field: caption")
	}
	if size, ok := b["page_size"].(float64); ok && (size < 1 || size > 100) {
		c.bad(path+"/page_size", "must be between 1 and 100")
	}
	rows := list(b, "rows")
	c.count(path+"/rows", len(rows), 1, 101, "items")
	width := -1
	for i, row := range rows {
		at := fmt.Sprintf("%s/rows/%d", path, i)
		cells, _ := row.([]any)
		c.count(at, len(cells), 1, 20, "items")
		if width >= 0 && len(cells) != width {
			c.bad(at, "must have as many cells as the header")
		}
		width = len(cells)
		for j, cell := range cells {
			if i == 0 {
				c.cell(fmt.Sprintf("%s/%d", at, j), cell, "raw_text")
				continue
			}
			c.cell(fmt.Sprintf("%s/%d", at, j), cell, "raw_text", "rich_text", "raw_number", "action_cell")
		}
	}
}

func (c *checker) cell(path string, value any, allowed ...string) {
	cell, ok := value.(map[string]any)
	if !ok || !slices.Contains(allowed, str(cell, "type")) {
		c.bad(path+"/type", "unsupported cell type: %s", str(cell, "type"))
		return
	}
	switch str(cell, "type") {
	case "raw_text":
		if str(cell, "text") == "" {
			c.bad(path+"/text", "must be more than 0 characters")
		}
		c.content += utf8.RuneCountInString(str(cell, "text"))
	case "rich_text":
		c.richText(path, cell)
	}
}

// dataVisualization is https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block.
func (c *checker) dataVisualization(path string, b map[string]any) {
	c.plainOrText(path+"/title", b["title"], 50)
	walkNode(path, b, func(at string, node map[string]any) {
		for _, name := range []string{"series", "segments"} {
			c.count(at+"/"+name, len(list(node, name)), 0, 12, "items")
		}
		c.count(at+"/data", len(list(node, "data")), 0, 20, "items")
		c.count(at+"/points", len(list(node, "points")), 0, 20, "items")
		if label, ok := node["label"].(string); ok {
			c.length(at+"/label", label, 0, 20)
		}
	})
}

// plainOrText checks a value that newer blocks take as string or text object.
func (c *checker) plainOrText(path string, value any, high int) {
	switch v := value.(type) {
	case map[string]any:
		c.text(path, v, anyText, high)
	case string:
		c.length(path, v, 0, high)
		c.content += utf8.RuneCountInString(v)
	}
}

// card is https://docs.slack.dev/reference/block-kit/blocks/card-block.
func (c *checker) card(path string, b map[string]any) {
	c.plainOrText(path+"/title", b["title"], 150)
	c.plainOrText(path+"/body", b["body"], 200)
	c.count(path+"/actions", len(list(b, "actions")), 0, 3, "items")
}

// carousel is https://docs.slack.dev/reference/block-kit/blocks/carousel-block.
func (c *checker) carousel(path string, b map[string]any) {
	cards := list(b, "elements")
	c.count(path+"/elements", len(cards), 1, 10, "items")
	for i, e := range cards {
		if object, ok := e.(map[string]any); ok {
			c.card(fmt.Sprintf("%s/elements/%d", path, i), object)
		}
	}
}

// container is https://docs.slack.dev/reference/block-kit/blocks/container-block.
func (c *checker) container(path string, b map[string]any) {
	c.plainOrText(path+"/title", b["title"], 150)
	children := list(b, "child_blocks")
	c.count(path+"/child_blocks", len(children), 1, 10, "items")
	for i, child := range children {
		c.block(fmt.Sprintf("%s/child_blocks/%d", path, i), child)
	}
}

// plan is https://docs.slack.dev/reference/block-kit/blocks/plan-block.
func (c *checker) plan(path string, b map[string]any) {
	tasks := list(b, "tasks")
	c.count(path+"/tasks", len(tasks), 0, 50, "items")
	for i, task := range tasks {
		if object, ok := task.(map[string]any); ok {
			c.taskCard(fmt.Sprintf("%s/tasks/%d", path, i), object)
		}
	}
}

// taskCard is https://docs.slack.dev/reference/block-kit/blocks/task-card-block.
func (c *checker) taskCard(path string, b map[string]any) {
	status := str(b, "status")
	if b["status"] != nil && !slices.Contains([]string{"pending", "in_progress", "complete", "error"}, status) {
		c.bad(path+"/status", "unknown status %q", status)
	}
	c.plainOrText(path+"/title", b["title"], 3000)
}

// alert is https://docs.slack.dev/reference/block-kit/blocks/alert-block.
func (c *checker) alert(path string, b map[string]any) { c.plainOrText(path+"/text", b["text"], 200) }
