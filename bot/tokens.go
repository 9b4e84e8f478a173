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
	botToken, botErr := token(getenv, botTokenVariable)
	appToken, appErr := token(getenv, appTokenVariable)
	if err := errors.Join(botErr, appErr); err != nil {
		return Tokens{}, err
	}
	t := Tokens{Bot: botToken, App: appToken}
	return t, t.check()
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

// check says which token is in the wrong place: mixing them up is the commonest mistake.
func (t Tokens) check() error {
	botPrefix, appPrefix := prefix(t.Bot), prefix(t.App)
	if botPrefix == "xapp-" && appPrefix == "xoxb-" {
		return fmt.Errorf("the tokens are swapped: the bot token %s must begin with xoxb- and the app-level token %s with xapp-",
			botTokenVariable, appTokenVariable)
	}
	var wrong []error
	if botPrefix != "xoxb-" {
		wrong = append(wrong, fmt.Errorf("the bot token %s begins with %s; it must begin with xoxb- (OAuth & Permissions, Bot User OAuth Token)",
			botTokenVariable, botPrefix))
	}
	if appPrefix != "xapp-" {
		wrong = append(wrong, fmt.Errorf("the app-level token %s begins with %s; it must begin with xapp- (Basic Information, App-Level Tokens)",
			appTokenVariable, appPrefix))
	}
	return errors.Join(wrong...)
}

// prefix is the kind of a token, and nothing of what is secret in it.
func prefix(t slackapi.Secret) string {
	for _, known := range []string{"xoxb-", "xapp-", "xoxp-", "xoxa-", "xoxe-", "xoxe.", "xoxs-", "xoxr-", "dapi"} {
		if strings.HasPrefix(string(t), known) {
			return known
		}
	}
	if t == "" {
		return "nothing"
	}
	return "something else"
}
