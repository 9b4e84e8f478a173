package bot

import (
	"errors"
	"fmt"

	"databricks-access-audit/bot/slackapi"
	"databricks-access-audit/core"
	"databricks-access-audit/core/ledger"
)

// seeAgain asks Slack once more for those who voted there for a plan, before it is carried out: the vote of one who left, became a
// guest or goes by another address since is withdrawn. What Databricks says of them, Approvals ask. An error says that it is not
// known of all who they are; then nothing may be carried out.
func (c *clones) seeAgain(id string) error {
	k, err := c.approvals.Kept(c.applying, id)
	if err != nil || k.State != ledger.Approved && k.State != ledger.PartiallyApplied {
		return err
	}
	members, err := c.members(id)
	if err != nil {
		return err
	}
	for _, v := range k.Votes {
		if !v.Stands() || v.Decision != ledger.Approve || v.Source == ledger.SourceLogin {
			continue
		}
		why, err := c.doubt(members[v.Voter.ID], v.Voter.ID)
		if err != nil {
			return err
		}
		if why == "" {
			continue
		}
		now, err := c.approvals.WithdrawVoter(c.applying, ledger.Actor{Via: viaSlack, Team: c.team}, id, v.Voter.ID, why)
		if err != nil {
			return err
		}
		c.Log.Warn("vote withdrawn", "plan", id, "reason", why)
		if err := c.ledger.Do(c.work, func(tx *ledger.Tx) error { return queue(tx, withdrawn(now, v, why)) }); err != nil {
			return err
		}
		c.knock()
	}
	return nil
}

// members are those who voted in Slack, by their Databricks ids.
func (c *clones) members(id string) (map[string]string, error) {
	trail, err := c.ledger.Trail(c.work, id)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, entry := range trail {
		e, err := entry.Event()
		if err != nil {
			return nil, err
		}
		if e.Event == ledger.EventVoted && e.Actor.Team == c.team {
			found[e.Subject] = e.Actor.Member
		}
	}
	return found, nil
}

// doubt gives the reason why a member is not known any more to be who they were when they voted; empty if they are.
func (c *clones) doubt(member, id string) (string, error) {
	const gone, another = "they may no longer act in Slack", "who they are has become doubtful"
	person, err := c.person(c.applying, member)
	if _, stranger := errors.AsType[*errStranger](err); stranger || member == "" {
		return gone, nil
	}
	if err != nil {
		return "", err
	}
	who, err := c.identity.Identify(c.applying, c.team, member, person.Profile.Email)
	if _, no := errors.AsType[*core.NotAllowedError](err); no || err == nil && who.ID != id {
		return another, nil
	}
	return "", err
}

// withdrawn tells that a vote is withdrawn.
func withdrawn(k core.Case, v ledger.Vote, why string) []post {
	text := fmt.Sprintf("The vote of %s is withdrawn: %s.", party(v.Voter), why)
	m := slackapi.Message{Parts: []slackapi.Part{{Kind: slackapi.Strong, Text: text}, {Text: stands(k)}}}
	return []post{thread(k.ID, "withdrawn/"+v.Voter.ID, m), show(k.ID, ledger.Edition(k.Version, k.Votes))}
}
