package core_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"databricks-access-audit/core"
	"databricks-access-audit/core/identity"
	"databricks-access-audit/core/ledger"
	"databricks-access-audit/core/plan"
	"databricks-access-audit/core/sandbox"
)

// people is what the test itself makes of the users of an account: who is whom, found by passes until nothing changes.
type people struct{ human map[string]int }

func peopleOf(a *sandbox.Account) people {
	p := people{map[string]int{}}
	marks := func(u *sandbox.User) (list []string) {
		for _, address := range append([]string{u.UserName}, u.Emails...) {
			list = append(list, "@"+strings.ToLower(strings.TrimSpace(address)))
		}
		if u.ExternalID != "" {
			list = append(list, "#"+u.ExternalID)
		}
		return list
	}
	for i, u := range a.Users {
		p.human[u.ID] = i
	}
	for changed := true; changed; {
		changed = false
		for _, u := range a.Users {
			for _, v := range a.Users {
				common := slices.ContainsFunc(marks(u), func(m string) bool { return slices.Contains(marks(v), m) })
				if common && p.human[u.ID] < p.human[v.ID] {
					p.human[v.ID], changed = p.human[u.ID], true
				}
			}
		}
	}
	return p
}

// graph gives the account further users who may be others by another name, and puts people into the sets of approvers.
func graph(a *sandbox.Account, random *rand.Rand) (voters []string) {
	addresses := []string{"bob@acme.test", "VICTOR@acme.test", "erin@acme.test", "erin@acme.test", "grace@acme.test", "one@acme.test", "two@acme.test"}
	externals := []string{"", "", "", "entra-user-1002", "entra-user-1020", "entra-user-1005", "entra-user-1007", "x-1"}
	a.Users = slices.DeleteFunc(a.Users, func(u *sandbox.User) bool { return strings.HasPrefix(u.ID, "195") })
	voters = []string{bob, victor, erin, grace, mallory}
	for i := range 6 {
		u := &sandbox.User{ID: "195" + strconv.Itoa(i), UserName: fmt.Sprintf("second%d@acme.test", i), ExternalID: externals[random.IntN(len(externals))]}
		for range random.IntN(3) {
			u.Emails = append(u.Emails, addresses[random.IntN(len(addresses))])
		}
		a.Users = append(a.Users, u)
		if random.IntN(3) > 0 {
			voters = append(voters, u.ID)
		}
	}
	for _, g := range a.Groups {
		switch g.ID {
		case owners:
			g.Members = []string{erin}
		case security:
			g.Members = []string{"3904"}
		case "3904":
			g.Members = nil
		default:
			continue
		}
		for _, id := range voters {
			if g.ID != security && !slices.Contains(g.Members, id) && random.IntN(2) == 0 {
				g.Members = append(g.Members, id)
			}
		}
	}
	return voters
}

// TestT04_IdentityGraphs has random people vote on a plan that takes two sets, among accounts that may be one person's: a vote is
// taken exactly if the one who gives it is in a set, did not ask and gains nothing, and the plan is approved exactly when two humans
// have voted for one set each, one of them with a login. GRAPHS says on how many.
func TestT04_IdentityGraphs(t *testing.T) {
	graphs := 8
	if n, err := strconv.Atoi(os.Getenv("GRAPHS")); err == nil {
		graphs = n
	}
	seed := uint64(time.Now().UnixNano())
	if n, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64); err == nil {
		seed = n
	}
	t.Logf("SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 4))
	c := sit(t)
	far(c)
	kept, err := c.ledger.Plan(t.Context(), c.draft().ID)
	if err != nil {
		t.Fatal(err)
	}
	like, _, err := plan.Decode(kept.Body)
	if err != nil {
		t.Fatal(err)
	}
	approved, refused := 0, 0
	for round := range graphs {
		var voters []string
		var who people
		sets := map[string][]int{} // account: sets
		c.server.Update(func(a *sandbox.Account) {
			voters = graph(a, random)
			who = peopleOf(a)
			for _, g := range a.Groups {
				for i, id := range []string{owners, "3904"} {
					if g.ID == id {
						for _, m := range g.Members {
							sets[m] = append(sets[m], i)
						}
					}
				}
			}
		})
		// The engine remembers nothing of the account between requests; the plan is another one each time.
		id, digest := c.again(c.ledger, like)
		random.Shuffle(len(voters), func(i, j int) { voters[i], voters[j] = voters[j], voters[i] })
		spoke := map[int]map[int]bool{} // human: sets
		login := false
		for _, v := range voters {
			may := len(sets[v]) > 0 && who.human[v] != who.human[bob] && who.human[v] != who.human[victor]
			by, at := in(v), c.Approvals
			if random.IntN(3) == 0 {
				by = ledger.Actor{ID: v, Via: "cli", Host: "laptop"}
				at = c.replica("terminal", c.policy, func(o *core.ApprovalOptions) { o.Login = identity.PrincipalKey{Kind: identity.KindUser, ID: v} })
			}
			got, err := at.Vote(t.Context(), by, id, digest, true, "")
			if (err == nil) != may {
				t.Fatalf("round %d: vote of %s, who may vote: %t: %v", round, v, may, err)
			}
			if !may {
				refused++
				continue
			}
			h := who.human[v]
			if spoke[h] == nil {
				spoke[h] = map[int]bool{}
			}
			for _, s := range sets[v] {
				spoke[h][s] = true
			}
			login = login || by.Via == "cli"
			want := ledger.Pending
			for a, b := range pairs(spoke) {
				if login && (a[0] && b[1] || a[1] && b[0]) {
					want = ledger.Approved
				}
			}
			if got.State != want {
				t.Fatalf("round %d: after the vote of %s the plan is %s, want %s; %v, login %t; %+v", round, v, got.State, want, spoke, login, got.Ruling)
			}
			if want == ledger.Approved {
				approved++
				break
			}
		}
	}
	if approved == 0 || refused == 0 || approved == graphs {
		t.Logf("%d of %d were approved, %d votes refused: the graphs are too much alike", approved, graphs, refused)
	}
	c.untouched()
}

// pairs are all pairs of different humans.
func pairs(spoke map[int]map[int]bool) func(yield func(a, b map[int]bool) bool) {
	return func(yield func(a, b map[int]bool) bool) {
		for h := range maps.Keys(spoke) {
			for k := range maps.Keys(spoke) {
				if h < k && !yield(spoke[h], spoke[k]) {
					return
				}
			}
		}
	}
}
