package collect

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"databricks-access-audit/core/identity"
)

// endless is an account of one metastore in which there is nothing of any name, and whose lists have
// no end.
type endless struct{ Source }

func (endless) Reach() identity.Reach { return identity.Reach{WholeAccount: true} }

func (endless) Workspaces(context.Context) ([]identity.Workspace, error) {
	return []identity.Workspace{{ID: 1, Host: "https://w.test", Status: "RUNNING"}}, nil
}

func (endless) Metastores(context.Context) ([]identity.Metastore, error) {
	return []identity.Metastore{{ID: "m", Name: "meta"}}, nil
}

func (endless) MetastoreWorkspaces(context.Context, string) ([]identity.WorkspaceID, error) {
	return []identity.WorkspaceID{1}, nil
}

func (endless) Lookup(context.Context, identity.Workspace, identity.Securable) (identity.SecurableInfo, error) {
	return identity.SecurableInfo{}, &identity.Failure{Kind: identity.NotFound}
}

func (endless) Children(ctx context.Context, _ identity.Workspace, _ identity.Securable, _ identity.SecurableType) ([]identity.SecurableInfo, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestNearIsNotWaitedForLong says that there is nothing of the name soon, however long the lists are.
func TestNearIsNotWaitedForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		_, _, err := Resource(t.Context(), endless{}, Scope{}, Target{Parts: []string{"c", "s", "t"}}, true, Options{})
		unknown, ok := errors.AsType[*UnknownResourceError](err)
		if !ok || len(unknown.Near) > 0 {
			t.Fatalf("got %v", err)
		}
		if took := time.Since(begin); took != courtesy {
			t.Errorf("it took %s", took)
		}
	})
}
