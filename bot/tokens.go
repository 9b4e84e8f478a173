package bot

import (
	"errors"
	"fmt"
	"strings"

	"databricks-access-audit/bot/settings"
	"databricks-access-audit/bot/slackapi"
)

// Tokens are the two tokens of a Slack app. They print as a mask.
type Tokens struct {
	Bot slackapi.Secret // xoxb-…
	App slackapi.Secret // xapp-…
}

// The variables that hold the tokens, or with _FILE the names of files that do.
const (
	botTokenVariable = "SLACK_BOT_TOKEN"
	appTokenVariable = "SLACK_APP_TOKEN"
	fileSuffix       = "_FILE"
)

// TokensFromEnv reads the tokens from SLACK_BOT_TOKEN and SLACK_APP_TOKEN, or from the files named
// by SLACK_BOT_TOKEN_FILE and SLACK_APP_TOKEN_FILE, which only their owner may read. getenv is
// os.Getenv or a stand-in. The error lists everything that is wrong, and no token.
func TokensFromEnv(getenv func(string) string) (Tokens, error) {
	t, botErr, appErr := ReadTokens(getenv)
	if err := errors.Join(botErr, appErr); err != nil {
		return Tokens{}, err
	}
	return t, t.check()
}

// ReadTokens reads the tokens like TokensFromEnv, and tells of each what is wrong with its variable or
// file. What is wrong with the tokens themselves is not looked at.
func ReadTokens(getenv func(string) string) (t Tokens, botErr, appErr error) {
	t.Bot, botErr = token(getenv, botTokenVariable)
	t.App, appErr = token(getenv, appTokenVariable)
	return t, botErr, appErr
}

func token(getenv func(string) string, variable string) (slackapi.Secret, error) {
	value, file := strings.TrimSpace(getenv(variable)), getenv(variable+fileSuffix)
	switch {
	case value != "" && file != "":
		return "", fmt.Errorf("both %s and %s%s are set; set one", variable, variable, fileSuffix)
	case value != "":
		return slackapi.Secret(value), nil
	case file != "":
		secret, err := settings.Secret(file)
		if err != nil {
			return "", fmt.Errorf("%s%s: %w", variable, fileSuffix, err)
		}
		return slackapi.Secret(secret), nil
	}
	return "", fmt.Errorf("%s is not set; set it, or %s%s to the name of a file that holds it", variable, variable, fileSuffix)
}

const (
	botPrefix = "xoxb-"
	appPrefix = "xapp-"
)

// check says which token is in the wrong place: mixing them up is the commonest mistake.
func (t Tokens) check() error {
	if t.swapped() {
		return fmt.Errorf("the tokens are swapped: the bot token %s must begin with xoxb- and the app-level token %s with xapp-",
			botTokenVariable, appTokenVariable)
	}
	return errors.Join(t.checkBot(), t.checkApp())
}

func (t Tokens) swapped() bool { return prefix(t.Bot) == appPrefix && prefix(t.App) == botPrefix }

func (t Tokens) checkBot() error {
	if p := prefix(t.Bot); p != botPrefix {
		return fmt.Errorf("the bot token %s begins with %s; it must begin with xoxb- (OAuth & Permissions, Bot User OAuth Token)",
			botTokenVariable, p)
	}
	return nil
}

func (t Tokens) checkApp() error {
	if p := prefix(t.App); p != appPrefix {
		return fmt.Errorf("the app-level token %s begins with %s; it must begin with xapp- (Basic Information, App-Level Tokens)",
			appTokenVariable, p)
	}
	return nil
}

// prefix is the kind of a token, and nothing of what is secret in it.
func prefix(t slackapi.Secret) string {
	for _, known := range []string{botPrefix, appPrefix, "xoxp-", "xoxa-", "xoxe-", "xoxe.", "xoxs-", "xoxr-", "dapi"} {
		if strings.HasPrefix(string(t), known) {
			return known
		}
	}
	if t == "" {
		return "nothing"
	}
	return "something else"
}
