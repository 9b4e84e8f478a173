package bot

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core/report"
	"databricks-access-audit/formatters"
)

// maxFile bounds each file that is sent, in bytes. Slack would take more, but nobody opens that in a chat.
const maxFile = 20 << 20

// attachment is one form of the whole report.
type attachment struct {
	title  string
	ending string
	write  func(r report.Report, limit int) ([]byte, string, error)
}

var (
	pageFile    = attachment{"the page", "html", written(formatters.HTML)}
	tableFile   = attachment{"the table", "csv", table}
	pictureFile = attachment{"the picture", "png", written(formatters.PNG)}
)

// attachments are the files of a report, in the order in which they are shown. Reports that have no map have no picture.
func attachments(r report.Report) []attachment {
	all := []attachment{pageFile, tableFile}
	if formatters.PNG.Fits(r.Head().Mode) == nil {
		all = append(all, pictureFile)
	}
	return all
}

// written gives the report in a format of formatters.
func written(f formatters.Format) func(report.Report, int) ([]byte, string, error) {
	return func(r report.Report, _ int) ([]byte, string, error) {
		var b bytes.Buffer
		if err := formatters.Write(&b, r, formatters.Options{Format: f}); err != nil {
			return nil, "", err
		}
		return b.Bytes(), string(f), nil
	}
}

// table gives the report as one table, which Slack shows as a grid, its column record telling what each row is. What is too
// large for that goes as an archive with a file for each list.
func table(r report.Report, limit int) ([]byte, string, error) {
	content, ending, err := written(formatters.CSV)(r, limit)
	if err != nil || len(content) <= limit {
		return content, ending, err
	}
	var b bytes.Buffer
	archive := zip.NewWriter(&b)
	for _, t := range formatters.Tables(r) {
		w, err := archive.Create(t.Name + ".csv")
		if err != nil {
			return nil, "", err
		}
		if err := formatters.WriteCSV(w, t, false); err != nil {
			return nil, "", err
		}
	}
	if err := archive.Close(); err != nil {
		return nil, "", err
	}
	return b.Bytes(), "zip", nil
}

// omission is a file that is not sent, and why.
type omission struct{ file, why string }

// render writes the files of a report, side by side. One that cannot be written is left out; the others do not care.
func (b *bot) render(t *task, r report.Report, altText string) (files []slackapi.File, left []omission) {
	all := attachments(r)
	made := make([]slackapi.File, len(all))
	failed := make([]error, len(all))
	var wg sync.WaitGroup
	for i, a := range all {
		wg.Go(func() { made[i], failed[i] = b.renderOne(t, a, r) })
	}
	wg.Wait()
	for i, a := range all {
		switch {
		case failed[i] != nil:
			left = append(left, omission{a.title, line(failed[i].Error())})
		default:
			if isPicture(made[i]) {
				made[i].AltText = altText
			}
			files = append(files, made[i])
		}
	}
	for range left {
		b.Count(CountFileLeftOut)
	}
	return files, left
}

// errBroken is what people are told of a panic; the log has more.
var errBroken = errors.New("something went wrong while it was written")

func (b *bot) renderOne(t *task, a attachment, r report.Report) (f slackapi.File, err error) {
	defer func() {
		if p := recover(); p != nil {
			t.log.Error("panic while a file was written", "file", a.ending, "panic", p, "stack", string(debug.Stack()))
			err = errBroken
		}
	}()
	content, ending, err := a.write(r, b.maxFile)
	if err != nil {
		t.log.Warn("file not written", "file", a.ending, "error", err)
		return slackapi.File{}, err
	}
	if len(content) > b.maxFile {
		return slackapi.File{}, fmt.Errorf("it is larger than %d MB", b.maxFile>>20)
	}
	// No name of a person or thing: file names are seen in lists, notifications and exports.
	name := fmt.Sprintf("access-audit-%s-%s.%s", t.id, b.pace.now().UTC().Format(time.DateOnly), ending)
	return slackapi.File{Name: name, Title: name, Content: content}, nil
}

func isPicture(f slackapi.File) bool { return strings.HasSuffix(f.Name, ".png") }

// place is where files are shown: a conversation, and in it the message under which; empty for none.
type place struct{ channel, under string }

// shared says which files were shown, and which not and why. With err none were.
type shared struct {
	sent []string
	left []omission
	err  error
}

// leftOut is a sentence about the files that are missing; empty when none are.
func (s shared) leftOut() string { return leftOut(s.left) }

func leftOut(left []omission) string {
	if len(left) == 0 {
		return ""
	}
	var each []string
	for _, o := range left {
		each = append(each, o.file+" ("+o.why+")")
	}
	return "Left out: " + strings.Join(each, "; ") + "."
}

// share shows files in one message, with the words if there are any. Files that the workspace does not take are left out;
// when Slack does not say which of several it means, they are shown one by one.
//
// A refusal that leaves open whether the files were shown is not tried again: twice is worse than an honest word.
func (b *bot) share(ctx context.Context, t *task, at place, words slackapi.Message, files []slackapi.File) (s shared) {
	until := b.untilWhen()
	return b.shareUntil(ctx, t, at, b.keptUntil(words, until), until, files)
}

func (b *bot) shareUntil(ctx context.Context, t *task, at place, words slackapi.Message, until time.Time, files []slackapi.File) (s shared) {
	for {
		var staged []slackapi.Staged
		staged, files, s.left, s.err = b.stage(ctx, t, files, s.left)
		if s.err != nil || len(files) == 0 {
			if s.err == nil {
				s.err = errNoFile
			}
			return s
		}
		if s.err = b.keepUploads(ctx, "job/"+t.id, until, staged); s.err != nil {
			return s
		}
		err := t.reply.door.Share(ctx, at.channel, at.under, words, staged...)
		code := slackapi.Code(err)
		switch {
		case err == nil:
			s.sent = fileNames(files)
			return s
		case malformed(err) && !words.Plain && len(words.Parts) > 0:
			b.Count(CountBlocksRefused)
			t.log.Error("Slack refused the form of a message with files", "error", err)
			words.Plain = true
		case code == onlyPictures && slices.ContainsFunc(files, isPicture) && !allPictures(files):
			files, s.left = pictures(files, s.left)
		case refusedFile[code] && len(files) > 1:
			return b.shareEach(ctx, t, at, words, until, files, s.left)
		default:
			s.err = err
			return s
		}
	}
}

// errNoFile is the end of a sharing of which every file was left out.
var errNoFile = errors.New("no file could be sent")

// shareEach shows each file in a message of its own.
func (b *bot) shareEach(ctx context.Context, t *task, at place, words slackapi.Message, until time.Time, files []slackapi.File, left []omission) shared {
	all := shared{left: left, err: errNoFile}
	for _, f := range files {
		one := b.shareUntil(ctx, t, at, words, until, []slackapi.File{f})
		if one.err != nil {
			all.left = append(all.left, omission{f.Name, reasonOf(one.err)})
			continue
		}
		all.sent, all.err, words = append(all.sent, f.Name), nil, b.keptUntil(slackapi.Message{}, until)
	}
	return all
}

// stage brings files to Slack. It gives those that are there, and an error when the reason is such that no file will be.
func (b *bot) stage(ctx context.Context, t *task, files []slackapi.File, left []omission) ([]slackapi.Staged, []slackapi.File, []omission, error) {
	var staged []slackapi.Staged
	var there []slackapi.File
	imagesOnly := false
	for _, f := range files {
		if imagesOnly && !isPicture(f) {
			left = append(left, omission{f.Name, reasons[onlyPictures]})
			continue
		}
		s, err := t.reply.door.Stage(ctx, f)
		code := slackapi.Code(err)
		switch {
		case err == nil:
			staged, there = append(staged, s), append(there, f)
			continue
		case noFileAtAll[code] || ctx.Err() != nil:
			return nil, nil, left, err
		case code == onlyPictures:
			imagesOnly = true
		}
		t.log.Warn("file not taken by Slack", "file", f.Name, "error", err)
		b.Count(CountFileLeftOut)
		left = append(left, omission{f.Name, reasonOf(err)})
	}
	return staged, there, left, nil
}

func fileNames(files []slackapi.File) (names []string) {
	for _, f := range files {
		names = append(names, f.Name)
	}
	return names
}

func allPictures(files []slackapi.File) bool {
	return !slices.ContainsFunc(files, func(f slackapi.File) bool { return !isPicture(f) })
}

// pictures keeps the pictures.
func pictures(files []slackapi.File, left []omission) ([]slackapi.File, []omission) {
	var kept []slackapi.File
	for _, f := range files {
		if isPicture(f) {
			kept = append(kept, f)
		} else {
			left = append(left, omission{f.Name, reasons[onlyPictures]})
		}
	}
	return kept, left
}

// onlyPictures is the refusal of a workspace that takes no other files.
const onlyPictures = "file_uploads_except_images_disabled"

// reasons puts the refusals of files into words. The code goes with them, for those who look it up.
//
// https://docs.slack.dev/reference/methods/files.getUploadURLExternal#errors
// https://docs.slack.dev/reference/methods/files.completeUploadExternal#errors
var reasons = map[string]string{
	"file_uploads_disabled":           "this workspace does not allow files",
	onlyPictures:                      "this workspace allows no files but pictures",
	"file_type_not_allowed":           "this workspace does not allow files of this type",
	"file_upload_size_restricted":     "this workspace does not allow files of this size",
	"storage_limit_reached":           "this workspace has no room for more files",
	"not_in_channel":                  "I am not in the channel; invite me with /invite",
	"no_permission":                   "I am not in the channel; invite me with /invite",
	"channel_not_found":               "Slack does not find the conversation, or I am not in it",
	"invalid_channel":                 "Slack does not find the conversation, or I am not in it",
	"posting_to_channel_denied":       "I may not write in the channel",
	"is_archived":                     "the channel is archived",
	"restricted_action":               "the rules of this workspace do not let me write there",
	"ekm_access_denied":               "the administrators of this workspace have suspended it",
	"access_denied":                   "Slack denies me access to it",
	"accesslimited":                   "Slack limits access from the network that I run in",
	"missing_scope":                   "the app lacks a permission; the people who run me find which in the log",
	"file_not_found":                  "Slack lost the file on the way",
	"file_update_failed":              "Slack could not store the file",
	slackapi.CodeRateLimited:          "Slack takes no more from me just now",
	"internal_error":                  "Slack had an error, and I do not know whether it is there",
	"fatal_error":                     "Slack had an error, and I do not know whether it is there",
	"request_timeout":                 "Slack did not get all of it",
	"user_disabled":                   "Slack does not let me write to you",
	"cannot_dm_bot":                   "Slack does not let me write to you",
	"messages_tab_disabled":           "direct messages to me are switched off",
	"team_access_not_granted":         "the app is not allowed in this workspace",
	"two_factor_setup_required":       "Slack asks for two-factor authentication to be set up",
	"slack_connect_blocked_file_type": "files of this type must not be shared with other organisations",
}

// noFileAtAll are the refusals that are about every file.
var noFileAtAll = map[string]bool{
	"file_uploads_disabled": true, "storage_limit_reached": true, "missing_scope": true, "ekm_access_denied": true, "accesslimited": true,
	"team_access_not_granted": true, slackapi.CodeRateLimited: true, "invalid_auth": true, "token_revoked": true, "account_inactive": true,
}

// refusedFile are the refusals of a whole message that one of its files may have caused. None of it was shown then.
var refusedFile = map[string]bool{
	"file_type_not_allowed": true, "file_upload_size_restricted": true, "file_not_found": true, "file_update_failed": true, onlyPictures: true,
}

// reasonOf says why something was not shown.
func reasonOf(err error) string {
	code := slackapi.Code(err)
	switch why := reasons[code]; {
	case why != "":
		return why + " [" + code + "]"
	case code != "":
		return "Slack refused it [" + line(code) + "]"
	case errors.Is(err, errNoFile):
		return errNoFile.Error()
	case errors.Is(err, errUnkept):
		return "I could not note down when to delete them"
	default:
		return "Slack could not be reached"
	}
}

// names lists file names in a sentence; of those that differ in the ending alone, the ending.
func names(files []string) string {
	said := slices.Clone(files)
	for i, f := range files {
		if ending := filepath.Ext(f); i > 0 && strings.TrimSuffix(f, ending) == strings.TrimSuffix(files[0], filepath.Ext(files[0])) {
			said[i] = ending
		}
	}
	if n := len(said); n > 1 {
		return strings.Join(said[:n-1], ", ") + " and " + said[n-1]
	}
	return strings.Join(said, "")
}

// join makes one text of sentences, of which some may be empty.
func join(sentences ...string) string {
	return strings.Join(slices.DeleteFunc(sentences, func(s string) bool { return s == "" }), " ")
}
