package slackfake

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Message is a message as a person in the channel has it.
type Message struct {
	TS        string
	ThreadTS  string // of the parent; empty outside threads
	Channel   string
	User      string // author; the bot's user id for the bot's messages
	BotID     string // set for bots
	Text      string
	Blocks    json.RawMessage // nil without blocks
	Metadata  json.RawMessage
	Subtype   string            // as in events: file_share, bot_message…
	Ephemeral bool              // only ForUser sees it
	ForUser   string            // for ephemerals
	Via       string            // method or door by which it came: chat.postMessage, ack, response_url, user…
	Edits     int               // how often it was changed
	Deleted   bool              // removed by delete_original or DeleteMessage
	FileIDs   []string          // shared with the message and not deleted since
	Args      map[string]string // the arguments of the last call that wrote it, tokens left out
	LinkNames bool              // link_names was set
	ParseFull bool              // parse was "full"
}

// Mentions returns what the message shows as mention or link, taking its
// link_names and parse arguments into account. See [RenderedMentions].
func (m Message) Mentions() []Mention {
	found := RenderedMentions(m.Text, m.Blocks)
	if m.LinkNames || m.ParseFull {
		found = append(found, typedMentions(m.Text)...)
	}
	return found
}

// File is a completed upload. One that was deleted keeps everything but its
// Content.
type File struct {
	ID             string
	Name           string
	Title          string
	AltText        string
	SnippetType    string
	Content        []byte
	Channels       []string // conversations it was shared in; empty means private
	ThreadTS       string
	InitialComment string
	Blocks         json.RawMessage
	Deleted        bool // by files.delete
}

// View is a modal that the bot opened.
type View struct {
	ID              string
	ExternalID      string
	CallbackID      string
	PrivateMetadata string
	Hash            string
	User            string // who sees it
	Source          json.RawMessage
	Updates         int
	Closed          bool
}

// Call is one Web API call, refused ones included. The doors that are not
// methods are called response_url and upload.
type Call struct {
	Method string
	Args   map[string]string // tokens left out
	Error  string            // the error answered; empty for ok
	Status int
	At     time.Time
}

// Ack is one delivery of an envelope on a socket and what became of it.
type Ack struct {
	EnvelopeID   string
	Type         string // slash_commands, interactive, events_api
	Socket       int
	RetryAttempt int
	SentAt       time.Time
	Acked        bool
	AckedAt      time.Time
	Late         bool // acknowledged after the limit
	Lost         bool // the fake closed the socket before an acknowledgement came
	Payload      json.RawMessage
}

// Snapshot is a copy of the workspace at one moment.
type Snapshot struct {
	Sockets    int // connected now
	Connected  int // connected ever
	Pending    int // deliveries not yet acknowledged and not lost
	Messages   []Message
	Ephemerals []Message
	Files      []File
	Views      []View
	Acks       []Ack
	Calls      []Call
	Problems   []string
}

// CallsTo returns the calls of one method.
func (sn *Snapshot) CallsTo(method string) []Call {
	return slices.DeleteFunc(slices.Clone(sn.Calls), func(c Call) bool { return c.Method != method })
}

// Snapshot returns a copy of the workspace now.
func (s *Server) Snapshot() *Snapshot {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshot()
}

func (s *Server) snapshot() *Snapshot {
	sn := &Snapshot{Sockets: len(s.sockets), Connected: s.nextSocket, Calls: slices.Clone(s.calls), Problems: s.currentProblems()}
	for _, m := range s.messages {
		switch {
		case m.Deleted:
		case m.Ephemeral:
			sn.Ephemerals = append(sn.Ephemerals, m.copied())
		default:
			sn.Messages = append(sn.Messages, m.copied())
		}
	}
	for _, f := range s.files {
		c := *f
		c.Channels = slices.Clone(f.Channels)
		sn.Files = append(sn.Files, c)
	}
	for _, v := range s.views {
		sn.Views = append(sn.Views, *v)
	}
	for _, t := range s.sends {
		sn.Acks = append(sn.Acks, t.Ack)
		if !t.Acked && !t.Lost {
			sn.Pending++
		}
	}
	return sn
}

func (m *Message) copied() Message {
	c := *m
	c.FileIDs = slices.Clone(m.FileIDs)
	c.Args = maps.Clone(m.Args)
	return c
}

// MessagesIn returns the messages of a channel (id or name, or the id of a
// direct conversation), oldest first, replies included, ephemerals not.
func (s *Server) MessagesIn(channel string) []Message {
	return s.messagesWhere(channel, func(m *Message) bool { return !m.Ephemeral })
}

// EphemeralsFor returns what only user sees in channel, oldest first. Slack
// forgets ephemerals on reload; here they stay.
func (s *Server) EphemeralsFor(user, channel string) []Message {
	return s.messagesWhere(channel, func(m *Message) bool { return m.Ephemeral && m.ForUser == user })
}

func (s *Server) messagesWhere(channel string, keep func(*Message) bool) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.st.channel(channel)
	if c == nil {
		return nil
	}
	var found []Message
	for _, m := range s.messages {
		if m.Channel == c.ID && !m.Deleted && keep(m) {
			found = append(found, m.copied())
		}
	}
	return found
}

// DirectMessages returns the messages between the bot and user, oldest first.
func (s *Server) DirectMessages(user string) []Message {
	s.mu.Lock()
	dm := s.st.dm(user, false)
	s.mu.Unlock()
	if dm == nil {
		return nil
	}
	return s.MessagesIn(dm.ID)
}

// Files returns the completed uploads, oldest first, deleted ones included.
func (s *Server) Files() []File { return s.Snapshot().Files }

// Views returns the modals opened, oldest first.
func (s *Server) Views() []View { return s.Snapshot().Views }

// Acks returns every delivery of an envelope, oldest first.
func (s *Server) Acks() []Ack { return s.Snapshot().Acks }

// Problems returns what the bot did wrong towards Slack so far: envelopes
// acknowledged late, never (once their time has passed) or twice, unknown or
// oversized acknowledgements, frames that are not acknowledgements.
func (s *Server) Problems() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.currentProblems()
}
