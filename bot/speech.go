package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core"
	"databricks-access-audit/core/query"
	"databricks-access-audit/formatters"
)

// maxCandidates is how many names are offered in place of one that was not found.
const maxCandidates = 15

// usage tells what can be asked.
func usage(command string) slackapi.Message {
	var forms, examples strings.Builder
	for _, f := range query.Forms() {
		f.Flags = slices.DeleteFunc(slices.Clone(f.Flags), func(x query.Flag) bool { return x.Value == "FILE" }) // nobody has files here
		fmt.Fprintf(&forms, "%s %s\n    %s\n", command, f.Usage(), f.About)
		fmt.Fprintln(&examples, example(command, f))
	}
	return slackapi.Message{Parts: []slackapi.Part{
		{Kind: slackapi.Strong, Text: "Ask me who can do what in Databricks, and why."},
		{Kind: slackapi.Preformatted, Text: strings.TrimRight(forms.String(), "\n")},
		{Kind: slackapi.Paragraph, Text: "For example:"},
		{Kind: slackapi.Preformatted, Text: strings.TrimRight(examples.String(), "\n")},
		{Kind: slackapi.Preformatted, Text: command + " status\n    how far your audit is\n" + command + " cancel [JOB]\n    stop your audit; it answers with what it has read"},
		{Kind: slackapi.Paragraph, Text: "Only you see the answer; the whole report comes as files in a direct message. With --public the answer is shown in the channel instead, where that is allowed and unless it is about a person. With --fresh I read the account now, rather than answer from what I read of it before."},
	}}
}

// sampleArguments stand for the arguments of the forms in examples.
var sampleArguments = map[string]string{"WHO": "alice@example.com", "[WHO]": "alice@example.com", "ACTION": "read", "RESOURCE": "main.sales.orders", "NAME": "main.sales.orders", "group NAME": "data-engineering",
	"A": "alice@example.com", "B": "bob@example.com", "[FROM]": "alice@example.com", "[TO]": "bob@example.com",
	"[CHANGE…]": "add-member bob@example.com data-engineering"}

func example(command string, f query.Form) string {
	line := []string{command, f.Mode}
	for _, a := range f.Args {
		line = append(line, cmp.Or(sampleArguments[f.Mode+" "+a], sampleArguments[a], a))
	}
	return strings.Join(line, " ")
}

// misused says what is wrong with how a question was asked, and what to write instead.
func misused(e *query.UsageError) slackapi.Message {
	parts := []slackapi.Part{{Kind: slackapi.Paragraph, Text: "I did not understand: " + line(e.Problem) + "."}}
	if e.Hint != "" {
		parts = append(parts, slackapi.Part{Kind: slackapi.Paragraph, Text: "Hint: " + line(e.Hint) + ". Say help to see all that you can ask."})
	}
	return slackapi.Message{Parts: parts}
}

// explain puts into words why there is no answer.
func explain(ctx context.Context, err error, t *task) slackapi.Message {
	if unknown, ok := errors.AsType[*core.UnknownError](err); ok {
		var names []string
		for _, c := range unknown.Candidates {
			names = append(names, candidate(c.Key.Kind.Title(), c.Label(), c.Key.Handle()))
		}
		problem := "Databricks knows no user, service principal or group called " + line(unknown.Who) + "."
		if len(unknown.NotIn) > 0 {
			problem += " The groups of workspaces alone could not be listed in " + line(strings.Join(unknown.NotIn, ", ")) + "."
		}
		return offer(problem, "Did you mean one of these?", names)
	}
	if several, ok := errors.AsType[*core.AmbiguousError](err); ok {
		var names []string
		for _, c := range several.Candidates {
			names = append(names, candidate(c.Key.Kind.Title(), c.Label(), c.Key.Handle()))
		}
		return offer(fmt.Sprintf("Databricks knows %d principals called %s.", len(several.Candidates), line(several.Who)), "Ask again with the id of the one you mean:", names)
	}
	if other, ok := errors.AsType[*core.NotGroupError](err); ok {
		return slackapi.Say(line(other.Error()) + ".")
	}
	if elsewhere, ok := errors.AsType[*core.UnknownWorkspaceError](err); ok {
		return offer("No workspace of the account has the address "+line(strings.Join(elsewhere.URLs, ", "))+".", "These are known:", elsewhere.Known)
	}
	if missing, ok := errors.AsType[*core.UnknownResourceError](err); ok {
		return offer("I found nothing: "+line(missing.Missing())+".", "Did you mean one of these?", missing.Near)
	}
	if several, ok := errors.AsType[*core.AmbiguousResourceError](err); ok {
		return offer("More than one thing bears that name: "+line(several.Error())+".", "These do:", several.Meanings())
	}
	if no, ok := errors.AsType[*core.NotAllowedError](err); ok {
		return slackapi.Say(line(no.Why))
	}
	if wrong, ok := isUsage(err); ok {
		return misused(wrong)
	}
	switch {
	case errors.Is(context.Cause(ctx), errRestarting):
		return slackapi.Say("I am being restarted and had to stop before there was an answer. Please repeat the question in a minute.")
	case errors.Is(context.Cause(ctx), errCancelled):
		return slackapi.Say("Job " + t.id + " was cancelled before there was an answer.")
	case errors.Is(context.Cause(ctx), errTooLong):
		return slackapi.Say("The audit took too long and was stopped before there was an answer.")
	}
	t.log.Error("no answer", "error", err)
	return slackapi.Say("There is no answer: " + line(err.Error()) + ". The people who run this bot find more in its log under " + t.id + ".")
}

func candidate(kind, label, id string) string { return fmt.Sprintf("%s %s, id %s", kind, label, id) }

// offer says what is wrong and lists what could have been meant.
func offer(problem, question string, names []string) slackapi.Message {
	m := slackapi.Say(problem)
	if len(names) == 0 {
		return m
	}
	lines := make([]string, 0, maxCandidates+1)
	for i, n := range names {
		if i == maxCandidates {
			lines = append(lines, fmt.Sprintf("… %d more", len(names)-i))
			break
		}
		lines = append(lines, formatters.Truncate(formatters.EscapeLine(n), 150))
	}
	m.Parts = append(m.Parts,
		slackapi.Part{Kind: slackapi.Paragraph, Text: question},
		slackapi.Part{Kind: slackapi.Preformatted, Text: strings.Join(lines, "\n")},
	)
	return m
}

// line makes text from outside fit for a sentence: on one line, nothing hidden, no secret, not
// long.
func line(text string) string { return formatters.Truncate(formatters.EscapeLine(scrub(text)), 300) }
