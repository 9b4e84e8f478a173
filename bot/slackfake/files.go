package slackfake

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Limits of uploads.
const (
	maxFile      = 1 << 30  // https://slack.com/help/articles/201330736
	maxSnippet   = 1 << 20  // https://docs.slack.dev/messaging/working-with-files
	maxShares    = 100      // channels_limit_exceeded
	maxKeptBytes = 64 << 20 // what this fake is willing to hold of one file
)

// upload is a file on its way: an address was given out.
type upload struct {
	file     File
	length   int64
	uploaded bool
}

// getUploadURL is the first of three steps,
// https://docs.slack.dev/reference/methods/files.getUploadURLExternal. The
// address is on this server, as a client may refuse to send elsewhere.
func (s *Server) getUploadURL(c *call) (reply, error) {
	if err := c.require("filename", "length"); err != nil {
		return nil, err
	}
	length, err := strconv.ParseInt(c.args["length"], 10, 64)
	if err != nil || length <= 0 {
		return nil, &refusal{code: "invalid_arguments", messages: []string{"[ERROR] must be greater than 0 [json-pointer:/length]"}}
	}
	if length > maxFile {
		return nil, refuse("file_upload_size_restricted")
	}
	if c.args["snippet_type"] != "" && length > maxSnippet {
		return nil, refuse("snippet_too_large")
	}
	id := s.id("F0FILE")
	s.uploads[id] = &upload{length: length, file: File{
		ID: id, Name: c.args["filename"], AltText: c.args["alt_txt"], SnippetType: c.args["snippet_type"],
	}}
	return reply{"upload_url": s.base + "/upload/v1/" + id, "file_id": id}, nil
}

// serveUpload is the second step: the bytes, raw or as the file of a multipart
// form, without a token; exactly as many as announced,
// https://docs.slack.dev/messaging/working-with-files#upload.
func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request) {
	c := &call{method: "upload", args: map[string]string{"file": r.PathValue("id")}}
	if f := s.takeFault(c.method); f != nil {
		s.answerFault(w, c, f)
		return
	}
	content, err := uploadedBytes(r)
	if err == nil {
		err = s.keepUpload(r.PathValue("id"), content)
	}
	if err != nil {
		s.record(c, err.Error(), http.StatusBadRequest)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.record(c, "", http.StatusOK)
	_, _ = fmt.Fprintf(w, "OK - %d", len(content)) // the client may have gone
}

func uploadedBytes(r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost {
		return nil, errors.New("upload with POST")
	}
	body := io.Reader(r.Body)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		part, err := firstFile(r)
		if err != nil {
			return nil, err
		}
		body = part
	}
	content, err := io.ReadAll(io.LimitReader(body, maxKeptBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read upload: %w", err)
	}
	if len(content) > maxKeptBytes {
		return nil, errors.New("upload is larger than this fake holds")
	}
	return content, nil
}

func firstFile(r *http.Request) (io.Reader, error) {
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, fmt.Errorf("read upload: %w", err)
	}
	for {
		part, err := parts.NextPart()
		if err != nil {
			return nil, fmt.Errorf("find the file of the upload: %w", err)
		}
		if part.FileName() != "" {
			return part, nil
		}
	}
}

func (s *Server) keepUpload(id string, content []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.uploads[id]
	if u == nil {
		return errors.New("no such upload")
	}
	if int64(len(content)) != u.length {
		return fmt.Errorf("%d bytes uploaded, %d announced", len(content), u.length)
	}
	u.file.Content, u.uploaded = content, true
	return nil
}

type fileRef struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// completeUpload is the third step,
// https://docs.slack.dev/reference/methods/files.completeUploadExternal. It can
// be called once for a file. Shares are not in the answer: Slack completes
// asynchronously.
func (s *Server) completeUpload(c *call) (reply, error) {
	if err := c.require("files"); err != nil {
		return nil, err
	}
	var refs []fileRef
	if json.Unmarshal([]byte(c.args["files"]), &refs) != nil || len(refs) == 0 {
		return nil, &refusal{code: "invalid_arguments", messages: []string{"[ERROR] must be a non-empty array [json-pointer:/files]"}}
	}
	for _, ref := range refs {
		if u := s.uploads[ref.ID]; u == nil || !u.uploaded {
			return nil, refuse("file_not_found")
		}
	}
	channels, err := s.shareTargets(c)
	if err != nil {
		return nil, err
	}
	blocks := json.RawMessage(c.args["blocks"])
	if c.args["initial_comment"] != "" || emptyArray(blocks) { // a comment displaces blocks
		blocks = nil
	}
	if blocks != nil {
		if err := CheckBlocks(blocks, SurfaceMessage); err != nil {
			return nil, err
		}
	}
	return reply{"files": s.share(c, refs, channels, blocks)}, nil
}

// shareTargets resolves channel_id (one id) or channels (comma-separated ids
// of conversations or people).
func (s *Server) shareTargets(c *call) ([]*Channel, error) {
	var refs []string
	if c.args["channel_id"] != "" {
		refs = append(refs, c.args["channel_id"])
		if s.st.users[refs[0]] != nil || s.st.channels[refs[0]] == nil {
			return nil, refuse("channel_not_found")
		}
	}
	for ref := range strings.SplitSeq(c.args["channels"], ",") {
		if ref = strings.TrimSpace(ref); ref != "" {
			refs = append(refs, ref)
		}
	}
	if len(refs) > maxShares {
		return nil, refuse("channels_limit_exceeded")
	}
	thread := c.args["thread_ts"]
	if thread != "" && len(refs) != 1 {
		return nil, refuse("invalid_arguments")
	}
	var found []*Channel
	for _, ref := range refs {
		ch, err := s.shareTarget(ref)
		if err != nil {
			return nil, err
		}
		if parent := s.find(ch.ID, thread); thread != "" && (parent == nil || parent.ThreadTS != "") {
			return nil, refuse("thread_not_found") // never a reply's ts
		}
		found = append(found, ch)
	}
	return found, nil
}

// shareTarget differs from target: chat:write.public does not help with files.
func (s *Server) shareTarget(ref string) (*Channel, error) {
	if ch := s.st.channels[ref]; ch != nil && !ch.IsPrivate && !ch.has(s.st.BotUserID) {
		return nil, refuse("not_in_channel")
	}
	return s.target(ref)
}

func (s *Server) share(c *call, refs []fileRef, channels []*Channel, blocks json.RawMessage) []any {
	done := []any{}
	var ids []string
	for _, ref := range refs {
		u := s.uploads[ref.ID]
		delete(s.uploads, ref.ID)
		f := u.file
		f.Title, f.ThreadTS, f.InitialComment, f.Blocks = ref.Title, c.args["thread_ts"], c.args["initial_comment"], blocks
		if f.Title == "" {
			f.Title = f.Name
		}
		for _, ch := range channels {
			f.Channels = append(f.Channels, ch.ID)
		}
		s.files = append(s.files, &f)
		ids = append(ids, f.ID)
		done = append(done, map[string]any{"id": f.ID, "title": f.Title})
	}
	for _, ch := range channels {
		s.append(&Message{
			TS: s.ts(), ThreadTS: c.args["thread_ts"], Channel: ch.ID, User: s.st.BotUserID, BotID: s.st.BotID,
			Text: c.args["initial_comment"], Blocks: blocks, Subtype: "file_share", Via: c.method, FileIDs: slices.Clone(ids), Args: c.args,
		})
	}
	s.cond.Broadcast()
	return done
}

// deleteFile is https://docs.slack.dev/reference/methods/files.delete. It
// leaves the messages that shared the file, without the file. An upload that
// was never completed is no file yet. That a second deletion is refused
// follows the page's list of errors (file_deleted).
func (s *Server) deleteFile(c *call) (reply, error) {
	if err := c.require("file"); err != nil {
		return nil, err
	}
	id := c.args["file"]
	i := slices.IndexFunc(s.files, func(f *File) bool { return f.ID == id })
	switch {
	case i < 0:
		return nil, refuse("file_not_found")
	case s.files[i].Deleted:
		return nil, refuse("file_deleted")
	}
	s.files[i].Deleted, s.files[i].Content = true, nil
	for _, m := range s.messages {
		m.FileIDs = slices.DeleteFunc(m.FileIDs, func(shared string) bool { return shared == id })
	}
	s.cond.Broadcast()
	return nil, nil
}
