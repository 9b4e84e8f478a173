package databricks

import (
	"context"
	"fmt"
	"net/url"

	"databricks-access-audit/core/identity"
)

var (
	routeJob       = get(classOther, "/api/2.2/jobs/get")
	routePublished = get(classOther, "/api/2.0/lakeview/dashboards/{dashboard_id}/published")
)

// Object reads one object in detail. Lists leave something out of jobs and of dashboards alone.
func (s *Session) Object(ctx context.Context, at identity.Workspace, known identity.ObjectInfo) (identity.ObjectInfo, error) {
	var err error
	switch known.Type {
	case identity.ObjectJob:
		err = s.readJob(ctx, at, &known)
	case identity.ObjectDashboard:
		err = s.readPublished(ctx, at, &known)
	default: // its list leaves nothing out
	}
	switch {
	case err == nil:
		known.Detailed = true
		return known, nil
	case identity.FailureOf(err).Partial:
		return known, err
	default:
		return identity.ObjectInfo{}, err
	}
}

// jobDetail is one job. Of a job with more than a hundred tasks each answer has some.
//
// https://docs.databricks.com/api/workspace/jobs/get
type jobDetail struct {
	ID       scalar `json:"job_id"`
	Creator  string `json:"creator_user_name"`
	RunAs    string `json:"run_as_user_name"`
	Next     string `json:"next_page_token"`
	Settings struct {
		Name  string  `json:"name"`
		Git   *gitRef `json:"git_source"`
		Tasks []task  `json:"tasks"`
	} `json:"settings"`
}

type gitRef struct {
	URL string `json:"git_url"`
}

// task is one task of a job, as far as it names code.
type task struct {
	Key      string `json:"task_key"`
	Notebook struct {
		Path   string `json:"notebook_path"`
		Source string `json:"source"`
	} `json:"notebook_task"`
	Python struct {
		File   string `json:"python_file"`
		Source string `json:"source"`
	} `json:"spark_python_task"`
	SQL struct {
		File struct {
			Path   string `json:"path"`
			Source string `json:"source"`
		} `json:"file"`
	} `json:"sql_task"`
	DBT struct {
		Project string `json:"project_directory"`
		Source  string `json:"source"`
	} `json:"dbt_task"`
	ForEach *struct {
		Task task `json:"task"`
	} `json:"for_each_task"`
}

// code gives the paths that a task runs. What comes out of a Git repository is named after that: its
// paths mean nothing in the workspace.
func (t task) code(git *gitRef) []string {
	var paths []string
	for _, c := range []struct{ path, source string }{
		{t.Notebook.Path, t.Notebook.Source}, {t.Python.File, t.Python.Source}, {t.SQL.File.Path, t.SQL.File.Source}, {t.DBT.Project, t.DBT.Source},
	} {
		switch {
		case c.path == "" && (git == nil || c.source != "GIT"):
		case git != nil && c.source != "WORKSPACE":
			// Without a word about the source, it is the repository if the job has one. A project without
			// a path is all of it.
			paths = append(paths, git.URL+"#"+c.path)
		default:
			paths = append(paths, c.path)
		}
	}
	if t.ForEach != nil {
		paths = append(paths, t.ForEach.Task.code(git)...)
	}
	return paths
}

func (s *Session) readJob(ctx context.Context, at identity.Workspace, o *identity.ObjectInfo) error {
	r, err := s.at(at, routeJob)
	if err != nil {
		return err
	}
	r.query = url.Values{"job_id": {o.ID}}
	var job *jobDetail
	other := ""
	tasks, err := tokenPages(ctx, s, r,
		func(t task) string { return t.Key },
		func(w jobDetail) page[task] {
			if job == nil {
				job = &w
			}
			if string(w.ID) != o.ID {
				other = "another job, " + string(w.ID)
			}
			return page[task]{w.Settings.Tasks, w.Next}
		})
	switch {
	case other != "":
		return s.failed(fmt.Errorf("%s: asked for job %s, the answer is about %s", r.route, o.ID, other))
	case err != nil && !identity.FailureOf(err).Partial:
		return err
	}
	o.Name, o.Creator = firstNonEmpty(job.Settings.Name, o.Name), firstNonEmpty(job.Creator, o.Creator)
	o.RunAs = firstNonEmpty(job.RunAs, o.RunAs)
	var code listing[string]
	for _, t := range tasks {
		for _, path := range t.code(job.Settings.Git) {
			code.add(path, path)
		}
	}
	o.Code = code.items
	return err
}

// published is the published version of a dashboard.
//
// https://docs.databricks.com/api/workspace/lakeview/getpublished
type published struct {
	Name     string `json:"display_name"`
	Created  string `json:"revision_create_time"`
	Embedded *bool  `json:"embed_credentials"`
}

// readPublished finds out whether viewers of a dashboard read with its publisher's rights. Of one that
// was not published nobody does.
func (s *Session) readPublished(ctx context.Context, at identity.Workspace, o *identity.ObjectInfo) error {
	r, err := s.at(at, routePublished, o.ID)
	if err != nil {
		return err
	}
	var p published
	_, err = s.fetch(ctx, r, &p)
	switch {
	case identity.IsKind(err, identity.NotFound):
		o.BorrowsOwner = false
		return nil
	case err != nil:
		return err
	case p.Embedded == nil && p.Name == "" && p.Created == "":
		return s.failed(fmt.Errorf("%s: the answer is about no dashboard", r.route))
	}
	o.BorrowsOwner = p.Embedded != nil && *p.Embedded
	return nil
}
