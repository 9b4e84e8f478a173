package manifests

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// The types have what the manifests say and no more, and are read with unknown keys refused: a misspelt
// key, which Kubernetes may take for nothing, fails here.
type (
	meta struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string `yaml:"kind"`
		Metadata   struct {
			Name   string            `yaml:"name"`
			Labels map[string]string `yaml:"labels"`
		} `yaml:"metadata"`
	}
	selector struct {
		MatchLabels map[string]string `yaml:"matchLabels"`
	}
	deployment struct {
		meta `yaml:",inline"`
		Spec struct {
			Replicas             int      `yaml:"replicas"`
			RevisionHistoryLimit int      `yaml:"revisionHistoryLimit"`
			Selector             selector `yaml:"selector"`
			Strategy             struct {
				Type          string `yaml:"type"`
				RollingUpdate struct {
					MaxSurge       *int `yaml:"maxSurge"`
					MaxUnavailable *int `yaml:"maxUnavailable"`
				} `yaml:"rollingUpdate"`
			} `yaml:"strategy"`
			Template struct {
				Metadata struct {
					Labels map[string]string `yaml:"labels"`
				} `yaml:"metadata"`
				Spec pod `yaml:"spec"`
			} `yaml:"template"`
		} `yaml:"spec"`
	}
	pod struct {
		ServiceAccountName string `yaml:"serviceAccountName"`
		Automount          *bool  `yaml:"automountServiceAccountToken"`
		EnableServiceLinks *bool  `yaml:"enableServiceLinks"`
		Grace              int    `yaml:"terminationGracePeriodSeconds"`
		SecurityContext    struct {
			RunAsNonRoot   bool `yaml:"runAsNonRoot"`
			RunAsUser      int  `yaml:"runAsUser"`
			RunAsGroup     int  `yaml:"runAsGroup"`
			FSGroup        int  `yaml:"fsGroup"`
			SeccompProfile struct {
				Type string `yaml:"type"`
			} `yaml:"seccompProfile"`
		} `yaml:"securityContext"`
		Spread []struct {
			MaxSkew       int      `yaml:"maxSkew"`
			TopologyKey   string   `yaml:"topologyKey"`
			When          string   `yaml:"whenUnsatisfiable"`
			LabelSelector selector `yaml:"labelSelector"`
		} `yaml:"topologySpreadConstraints"`
		Containers []container `yaml:"containers"`
		Volumes    []volume    `yaml:"volumes"`
	}
	container struct {
		Name  string   `yaml:"name"`
		Image string   `yaml:"image"`
		Args  []string `yaml:"args"`
		Env   []struct {
			Name  string `yaml:"name"`
			Value string `yaml:"value"`
		} `yaml:"env"`
		Ports []struct {
			Name string `yaml:"name"`
			Port int    `yaml:"containerPort"`
		} `yaml:"ports"`
		StartupProbe   probe `yaml:"startupProbe"`
		LivenessProbe  probe `yaml:"livenessProbe"`
		ReadinessProbe probe `yaml:"readinessProbe"`
		Resources      struct {
			Requests map[string]string `yaml:"requests"`
			Limits   map[string]string `yaml:"limits"`
		} `yaml:"resources"`
		SecurityContext struct {
			Escalation   *bool `yaml:"allowPrivilegeEscalation"`
			ReadOnlyRoot bool  `yaml:"readOnlyRootFilesystem"`
			RunAsNonRoot bool  `yaml:"runAsNonRoot"`
			Capabilities struct {
				Drop []string `yaml:"drop"`
			} `yaml:"capabilities"`
		} `yaml:"securityContext"`
		VolumeMounts []struct {
			Name      string `yaml:"name"`
			MountPath string `yaml:"mountPath"`
			ReadOnly  bool   `yaml:"readOnly"`
		} `yaml:"volumeMounts"`
	}
	probe struct {
		HTTPGet struct {
			Path string `yaml:"path"`
			Port string `yaml:"port"`
		} `yaml:"httpGet"`
		Period   int `yaml:"periodSeconds"`
		Timeout  int `yaml:"timeoutSeconds"`
		Failures int `yaml:"failureThreshold"`
	}
	volume struct {
		Name      string `yaml:"name"`
		ConfigMap *struct {
			Name string `yaml:"name"`
		} `yaml:"configMap"`
		Secret *struct {
			SecretName  string `yaml:"secretName"`
			DefaultMode int    `yaml:"defaultMode"`
			Items       []struct {
				Key  string `yaml:"key"`
				Path string `yaml:"path"`
			} `yaml:"items"`
		} `yaml:"secret"`
		EmptyDir *struct {
			SizeLimit string `yaml:"sizeLimit"`
		} `yaml:"emptyDir"`
	}
	serviceAccount struct {
		meta      `yaml:",inline"`
		Automount *bool `yaml:"automountServiceAccountToken"`
	}
	budget struct {
		meta `yaml:",inline"`
		Spec struct {
			MinAvailable int      `yaml:"minAvailable"`
			Unhealthy    string   `yaml:"unhealthyPodEvictionPolicy"`
			Selector     selector `yaml:"selector"`
		} `yaml:"spec"`
	}
	networkPolicy struct {
		meta `yaml:",inline"`
		Spec struct {
			PodSelector selector `yaml:"podSelector"`
			Types       []string `yaml:"policyTypes"`
			Ingress     []any    `yaml:"ingress"`
			Egress      []struct {
				To []struct {
					NamespaceSelector *selector `yaml:"namespaceSelector"`
					PodSelector       *selector `yaml:"podSelector"`
					IPBlock           *struct {
						CIDR   string   `yaml:"cidr"`
						Except []string `yaml:"except"`
					} `yaml:"ipBlock"`
				} `yaml:"to"`
				Ports []struct {
					Protocol string `yaml:"protocol"`
					Port     int    `yaml:"port"`
				} `yaml:"ports"`
			} `yaml:"egress"`
		} `yaml:"spec"`
	}
	kustomization struct {
		APIVersion string   `yaml:"apiVersion"`
		Kind       string   `yaml:"kind"`
		Resources  []string `yaml:"resources"`
		ConfigMaps []struct {
			Name  string   `yaml:"name"`
			Files []string `yaml:"files"`
		} `yaml:"configMapGenerator"`
		Images []struct {
			Name    string `yaml:"name"`
			NewName string `yaml:"newName"`
			NewTag  string `yaml:"newTag"`
		} `yaml:"images"`
	}
)

// decoded reads the one document of a file.
func decoded[T any](t *testing.T, name string) (v T) {
	t.Helper()
	d := yaml.NewDecoder(bytes.NewReader([]byte(read(t, filepath.Join("kubernetes", name)))))
	d.KnownFields(true)
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		t.Fatalf("%s: a second document: %v", name, err)
	}
	return v
}

var labels = map[string]string{"app.kubernetes.io/name": bot}

func is(t *testing.T, m meta, apiVersion, kind string) {
	t.Helper()
	if m.APIVersion != apiVersion || m.Kind != kind || m.Metadata.Name != bot || !cmp.Equal(m.Metadata.Labels, labels) {
		t.Errorf("%+v is not the %s %s", m, apiVersion, kind)
	}
}

func no(flag *bool) bool { return flag != nil && !*flag }

func TestKubernetesHardening(t *testing.T) {
	t.Parallel()
	d := decoded[deployment](t, "deployment.yaml")
	is(t, d.meta, "apps/v1", "Deployment")
	p := d.Spec.Template.Spec
	if s := p.SecurityContext; !s.RunAsNonRoot || s.RunAsUser != nobody || s.RunAsGroup != nobody || s.FSGroup != nobody || s.SeccompProfile.Type != "RuntimeDefault" {
		t.Errorf("the pod: %+v", s)
	}
	if len(p.Containers) != 1 {
		t.Fatalf("%d containers", len(p.Containers))
	}
	c := p.Containers[0]
	if s := c.SecurityContext; !no(s.Escalation) || !s.ReadOnlyRoot || !s.RunAsNonRoot || !slices.Equal(s.Capabilities.Drop, []string{"ALL"}) {
		t.Errorf("the container: %+v", s)
	}
	for _, what := range []string{"cpu", "memory"} {
		whole(t, map[string]string{"the request of " + what: c.Resources.Requests[what]})
	}
	whole(t, map[string]string{"the limit of memory": c.Resources.Limits["memory"]})
	a := decoded[serviceAccount](t, "serviceaccount.yaml")
	is(t, a.meta, "v1", "ServiceAccount")
	if !no(a.Automount) || !no(p.Automount) || !no(p.EnableServiceLinks) || p.ServiceAccountName != a.Metadata.Name {
		t.Errorf("the pod gets a token of Kubernetes, or another account: %+v", a)
	}
}

// TestKubernetesReplaces is about pods that are replaced: nobody's command may find no bot.
func TestKubernetesReplaces(t *testing.T) {
	t.Parallel()
	d, s := decoded[deployment](t, "deployment.yaml"), configured(t, "kubernetes/bot.yaml")
	r := d.Spec.Strategy.RollingUpdate
	if d.Spec.Strategy.Type != "RollingUpdate" || r.MaxSurge == nil || *r.MaxSurge != 1 || r.MaxUnavailable == nil || *r.MaxUnavailable != 0 {
		t.Fatalf("%+v", d.Spec.Strategy)
	}
	if d.Spec.Replicas < 2 || d.Spec.Replicas != s.Replicas || s.Ledger.URLFile == "" {
		t.Errorf("%d replicas, %d in the configuration, ledger %+v", d.Spec.Replicas, s.Replicas, s.Ledger)
	}
	if n := (d.Spec.Replicas + *r.MaxSurge) * s.Slack.Sockets; n > 10 {
		t.Errorf("%d sockets while a pod is replaced; Slack allows an app 10", n)
	}
	if grace := time.Duration(d.Spec.Template.Spec.Grace) * time.Second; grace != 90*time.Second || s.Drain+inTheEnd*time.Second > grace {
		t.Errorf("a drain of %s and %d s do not fit into %s", s.Drain, inTheEnd, grace)
	}
	b := decoded[budget](t, "poddisruptionbudget.yaml")
	is(t, b.meta, "policy/v1", "PodDisruptionBudget")
	if b.Spec.MinAvailable < 1 || b.Spec.MinAvailable >= d.Spec.Replicas || b.Spec.Unhealthy != "AlwaysAllow" {
		t.Errorf("%+v of %d", b.Spec, d.Spec.Replicas)
	}
	for what, got := range map[string]map[string]string{
		"deployment": d.Spec.Selector.MatchLabels, "pod": d.Spec.Template.Metadata.Labels, "budget": b.Spec.Selector.MatchLabels,
		"network": decoded[networkPolicy](t, "networkpolicy.yaml").Spec.PodSelector.MatchLabels, "spread": d.Spec.Template.Spec.Spread[0].LabelSelector.MatchLabels,
	} {
		if diff := cmp.Diff(labels, got); diff != "" {
			t.Errorf("%s chooses other pods:\n%s", what, diff)
		}
	}
}

func TestKubernetesProbes(t *testing.T) {
	t.Parallel()
	c, s := decoded[deployment](t, "deployment.yaml").Spec.Template.Spec.Containers[0], configured(t, "kubernetes/bot.yaml")
	host, port, err := net.SplitHostPort(s.Listen)
	if ip := net.ParseIP(host); err != nil || host != "" && (ip == nil || ip.IsLoopback()) {
		t.Errorf("the kubelet does not reach %s", s.Listen)
	}
	if len(c.Ports) != 1 || strconv.Itoa(c.Ports[0].Port) != port {
		t.Fatalf("ports %+v, and the bot listens at %s", c.Ports, s.Listen)
	}
	for name, p := range map[string]struct {
		probe
		path string
	}{"startup": {c.StartupProbe, "/healthz"}, "liveness": {c.LivenessProbe, "/healthz"}, "readiness": {c.ReadinessProbe, "/readyz"}} {
		if p.HTTPGet.Path != p.path || p.HTTPGet.Port != c.Ports[0].Name || p.Period < 1 {
			t.Errorf("%s: %+v", name, p.probe)
		}
	}
	// /readyz takes up to five seconds for its checks, and /healthz counts thirty without a sign of life as stuck.
	if c.ReadinessProbe.Timeout <= 5 || c.ReadinessProbe.Period < c.ReadinessProbe.Timeout {
		t.Errorf("readiness: %+v", c.ReadinessProbe)
	}
	if l := c.LivenessProbe; l.Period*l.Failures < 30 || c.StartupProbe.Period*c.StartupProbe.Failures < 120 {
		t.Errorf("a bot is killed that only takes its time: %+v, %+v", l, c.StartupProbe)
	}
}

// TestKubernetesFiles follows every path from the configuration to the Secret.
func TestKubernetesFiles(t *testing.T) {
	t.Parallel()
	p, s := decoded[deployment](t, "deployment.yaml").Spec.Template.Spec, configured(t, "kubernetes/bot.yaml")
	c, k := p.Containers[0], decoded[kustomization](t, "kustomization.yaml")
	mounts, volumes := map[string]string{}, map[string]volume{}
	for _, v := range p.Volumes {
		volumes[v.Name] = v
	}
	for _, m := range c.VolumeMounts {
		mounts[m.Name] = m.MountPath
		v, there := volumes[m.Name]
		if !there || m.ReadOnly == (v.EmptyDir != nil) {
			t.Errorf("mount %+v of %+v", m, v)
		}
	}
	if len(mounts) != len(volumes) || volumes["config"].ConfigMap == nil || volumes["secrets"].Secret == nil || volumes["tmp"].EmptyDir == nil {
		t.Fatalf("volumes %+v", volumes)
	}
	if len(k.ConfigMaps) != 1 || k.ConfigMaps[0].Name != volumes["config"].ConfigMap.Name || !slices.Equal(k.ConfigMaps[0].Files, []string{"bot.yaml"}) {
		t.Errorf("the configuration comes from %+v", k.ConfigMaps)
	}
	if got := path.Join(mounts["config"], "bot.yaml"); got != configPath || !slices.Equal(c.Args, []string{"bot", "--config", configPath}) {
		t.Errorf("the configuration is at %s, and the bot is given %q", got, c.Args)
	}
	inSecret := map[string]bool{}
	secret := volumes["secrets"].Secret
	for _, item := range secret.Items {
		inSecret[path.Join(mounts["secrets"], item.Path)] = true
		if item.Key != item.Path {
			t.Errorf("%+v", item)
		}
	}
	if secret.DefaultMode != 0o440 || secret.SecretName != bot {
		t.Errorf("the secret %+v", secret)
	}
	files := secretFiles(s)
	for _, key := range []string{"slack.app_token_file", "slack.bot_token_file", "databricks.client_secret_file", "ledger.url_file", "ledger.key_file"} {
		if !inSecret[files[key]] {
			t.Errorf("%s: %q is not in the secret", key, files[key])
		}
	}
	if len(files) != len(inSecret) {
		t.Errorf("the bot is given secrets that it does not read: %v, %v", inSecret, files)
	}
	limit, err := strconv.Atoi(strings.TrimSuffix(c.Resources.Limits["memory"], "Gi"))
	soft, softErr := strconv.Atoi(strings.TrimSuffix(c.Env[0].Value, "MiB"))
	if err != nil || softErr != nil || c.Env[0].Name != "GOMEMLIMIT" || soft >= limit*1024*9/10 || soft < limit*1024*3/4 {
		t.Errorf("GOMEMLIMIT %s of %s", c.Env[0].Value, c.Resources.Limits["memory"])
	}
	if len(k.Images) != 1 || k.Images[0].Name != c.Image || k.Images[0].NewTag == "latest" {
		t.Errorf("image %s, of %+v", c.Image, k.Images)
	}
	whole(t, map[string]string{"the image": k.Images[0].NewName, "its tag": k.Images[0].NewTag})
	checked(t, "kubernetes/bot.yaml")
	started(t, slices.Clone(c.Args)...)
}

// TestKubernetesResources is about files that nobody applies.
func TestKubernetesResources(t *testing.T) {
	t.Parallel()
	k := decoded[kustomization](t, "kustomization.yaml")
	entries, err := os.ReadDir("kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, e := range entries {
		if e.Name() != "kustomization.yaml" && e.Name() != "bot.yaml" {
			there = append(there, e.Name())
		}
	}
	if d := cmp.Diff(there, slices.Sorted(slices.Values(k.Resources))); d != "" {
		t.Errorf("files, and what is applied:\n%s", d)
	}
}

func TestKubernetesNetwork(t *testing.T) {
	t.Parallel()
	n := decoded[networkPolicy](t, "networkpolicy.yaml")
	is(t, n.meta, "networking.k8s.io/v1", "NetworkPolicy")
	if !slices.Equal(n.Spec.Types, []string{"Ingress", "Egress"}) || n.Spec.Ingress == nil || len(n.Spec.Ingress) != 0 {
		t.Errorf("somebody may come in: %v %v", n.Spec.Types, n.Spec.Ingress)
	}
	allows := func(ip string, port int) bool {
		for _, e := range n.Spec.Egress {
			for _, p := range e.Ports {
				for _, to := range e.To {
					if p.Port == port && to.IPBlock != nil && within(t, to.IPBlock.CIDR, ip) && !slices.ContainsFunc(to.IPBlock.Except, func(c string) bool { return within(t, c, ip) }) {
						return true
					}
				}
			}
		}
		return false
	}
	for _, e := range n.Spec.Egress {
		if len(e.Ports) == 0 || len(e.To) == 0 {
			t.Errorf("a rule for all ports, or all places: %+v", e)
		}
		for _, to := range e.To {
			if to.IPBlock == nil && (to.NamespaceSelector == nil || to.PodSelector == nil) {
				t.Errorf("a rule for a whole namespace: %+v", to)
			}
		}
	}
	for _, c := range []struct {
		ip   string
		port int
		want bool
	}{
		{"203.0.113.7", 443, true}, {"2001:db8::7", 443, true}, {"10.0.0.5", 5432, true},
		{"203.0.113.7", 80, false}, {"203.0.113.7", 22, false}, {"203.0.113.7", 5432, false},
		{"169.254.169.254", 443, false}, {"169.254.169.254", 80, false}, {"10.96.0.1", 443, false}, {"fd00::1", 443, false}, {"127.0.0.1", 5432, false},
	} {
		if got := allows(c.ip, c.port); got != c.want {
			t.Errorf("to %s, port %d: %v", c.ip, c.port, got)
		}
	}
}

func within(t *testing.T, cidr, ip string) bool {
	t.Helper()
	_, block, err := net.ParseCIDR(cidr)
	if err != nil {
		t.Fatal(err)
	}
	return block.Contains(net.ParseIP(ip))
}
