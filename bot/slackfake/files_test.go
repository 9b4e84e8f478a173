package slackfake_test

import (
	"errors"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"databricks-access-audit/bot/slackfake"
)

// uploadTwo shares two files in one message and returns their ids.
func uploadTwo(t *testing.T, s *slackfake.Server, api *slack.Client) []string {
	t.Helper()
	var ids []string
	var summaries []slack.FileSummary
	for _, name := range []string{"r.csv", "r.html"} {
		up, err := api.GetUploadURLExternalContext(t.Context(), slack.GetUploadURLExternalParameters{FileName: name, FileSize: 3})
		check(t, err)
		raw(t, up.UploadURL, "", "application/octet-stream", "abc")
		ids = append(ids, up.FileID)
		summaries = append(summaries, slack.FileSummary{ID: up.FileID, Title: name})
	}
	_, err := api.CompleteUploadExternalContext(t.Context(), slack.CompleteUploadExternalParameters{
		Files: summaries, Channel: slackfake.DataHelp, InitialComment: "reports",
	})
	check(t, err)
	return ids
}

func TestDeletedFileIsGoneAndItsMessageStands(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	api := client(t, s)
	ids := uploadTwo(t, s, api)
	check(t, api.DeleteFile(ids[0]))
	files := s.Files()
	if len(files) != 2 || !files[0].Deleted || files[0].Content != nil || files[0].Name != "r.csv" {
		t.Errorf("the deleted file is %+v", files[0])
	}
	if files[1].Deleted || string(files[1].Content) != "abc" {
		t.Errorf("the other file is %+v", files[1])
	}
	all := s.MessagesIn(slackfake.DataHelp)
	if len(all) != 1 || all[0].Text != "reports" || len(all[0].FileIDs) != 1 || all[0].FileIDs[0] != ids[1] {
		t.Errorf("messages %+v", all)
	}
	if err := api.DeleteFile(ids[0]); err == nil || err.Error() != "file_deleted" {
		t.Errorf("deleted twice: %v", err)
	}
	check(t, api.DeleteFile(ids[1]))
	if all = s.MessagesIn(slackfake.DataHelp); len(all) != 1 || len(all[0].FileIDs) != 0 {
		t.Errorf("messages without files: %+v", all)
	}
}

func TestDeletingAFileIsLimitedAndNeedsItsScope(t *testing.T) {
	t.Parallel()
	clock := slackfake.NewManualClock(noon)
	s := start(t, slackfake.Options{Clock: clock, RealRateLimits: true})
	api := client(t, s)
	ids := uploadTwo(t, s, api)
	s.AddFault(slackfake.Fault{Method: "files.delete", Status: 429, RetryAfter: 9 * time.Second, Times: 1})
	if limited, ok := errors.AsType[*slack.RateLimitedError](api.DeleteFile(ids[0])); !ok || limited.RetryAfter != 9*time.Second {
		t.Error("the fault did not answer 429")
	}
	if s.Files()[0].Deleted {
		t.Error("a refused call deleted the file")
	}
	s.SetScopes("chat:write")
	if got := post(t, s, "files.delete", s.BotToken(), form("file", ids[0])); got["error"] != "missing_scope" || got["needed"] != "files:write" {
		t.Error(got)
	}
	s.SetScopes(slackfake.DefaultScopes()...)
	check(t, api.DeleteFile(ids[0]))
	for range 48 { // tier 3 is fifty a minute, and two were let through
		post(t, s, "files.delete", s.BotToken(), form("file", "F1"))
	}
	if _, ok := errors.AsType[*slack.RateLimitedError](api.DeleteFile(ids[1])); !ok {
		t.Error("the fifty-first call of a minute is let through")
	}
	clock.Advance(2 * time.Second)
	check(t, api.DeleteFile(ids[1]))
}

func TestAnUploadThatWasNotCompletedIsNoFile(t *testing.T) {
	t.Parallel()
	s := start(t, slackfake.Options{})
	up, err := client(t, s).GetUploadURLExternalContext(t.Context(), slack.GetUploadURLExternalParameters{FileName: "r.csv", FileSize: 3})
	check(t, err)
	if got := post(t, s, "files.delete", s.BotToken(), form("file", up.FileID)); got["error"] != "file_not_found" {
		t.Error(got)
	}
}
