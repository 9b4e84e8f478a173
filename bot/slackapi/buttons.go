package slackapi

import (
	"context"

	"github.com/slack-go/slack"
)

// Button is a button under a message. All its texts are plain.
//
// https://docs.slack.dev/reference/block-kit/block-elements/button-element
type Button struct {
	// ID says what it does, and Value on what; a click brings both back. Neither is proof of anything.
	ID    string `json:"id"`
	Value string `json:"value"`
	Text  string `json:"text"`
	// Primary and Danger colour it.
	Primary bool `json:"primary,omitempty"`
	Danger  bool `json:"danger,omitempty"`
	// Ask is a question that comes before the click counts; nil asks nothing.
	Ask *Question `json:"ask,omitempty"`
}

// Question is a dialog between a press and a click.
//
// https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object
type Question struct {
	Title string `json:"title"`
	Text  string `json:"text"`
	Yes   string `json:"yes"`
	No    string `json:"no"`
}

func plain(text string, size int) *slack.TextBlockObject {
	emoji := false
	return &slack.TextBlockObject{Type: slack.PlainTextType, Text: Cut(visible(text), size), Emoji: &emoji}
}

// actions is the block of a message's buttons.
//
// https://docs.slack.dev/reference/block-kit/blocks/actions-block
func actions(buttons []Button) slack.Block {
	block := &slack.ActionBlock{Type: slack.MBTAction, BlockID: "buttons", Elements: &slack.BlockElements{}}
	for _, b := range buttons {
		e := &slack.ButtonBlockElement{Type: slack.METButton, ActionID: b.ID, Value: b.Value, Text: plain(b.Text, 75)}
		switch {
		case b.Primary:
			e.Style = slack.StylePrimary
		case b.Danger:
			e.Style = slack.StyleDanger
		}
		if b.Ask != nil {
			e.Confirm = &slack.ConfirmationBlockObject{Title: plain(b.Ask.Title, 100), Text: plain(b.Ask.Text, 300), Confirm: plain(b.Ask.Yes, 30), Deny: plain(b.Ask.No, 30)}
		}
		block.Elements.ElementSet = append(block.Elements.ElementSet, e)
	}
	return block
}

// Form asks for one text.
type Form struct {
	// ID says what it is for, and About on what; a submission brings both back.
	ID, About           string
	Title, Label, Hint  string
	Submit              string
	MinLength, MaxChars int
}

const (
	formBlock = "text"
	formInput = "input"
)

// OpenForm shows a form to the person whose click had the trigger, which works once and for three seconds.
//
// https://docs.slack.dev/reference/methods/views.open
func (c *Client) OpenForm(ctx context.Context, trigger Secret, f Form) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	input := &slack.InputBlock{Type: slack.MBTInput, BlockID: formBlock, Label: plain(f.Label, 2000), Element: &slack.PlainTextInputBlockElement{
		Type: slack.METPlainTextInput, ActionID: formInput, Multiline: true, MinLength: f.MinLength, MaxLength: f.MaxChars,
	}}
	if f.Hint != "" {
		input.Hint = plain(f.Hint, 2000)
	}
	_, err := c.api.OpenViewContext(ctx, string(trigger), slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: f.ID, PrivateMetadata: f.About,
		Title: plain(f.Title, 24), Submit: plain(f.Submit, 24), Close: plain("Back", 24),
		Blocks: slack.Blocks{BlockSet: []slack.Block{input}},
	})
	if err != nil {
		return fail("views.open", err)
	}
	return nil
}
