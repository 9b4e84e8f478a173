package databricks

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"databricks-access-audit/core/identity"
)

// childMain is the program that the tests below run in a process of its own: it opens what is
// configured and reads a little.
func childMain() int {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	a, err := Open(ctx, Options{})
	if err != nil {
		fmt.Println("open:", err)
		return 1
	}
	defer a.Close()
	s := a.Session()
	ws, err := s.Workspaces(ctx)
	if err != nil {
		fmt.Println("workspaces:", err)
		return 1
	}
	for _, w := range ws {
		cs, err := s.Children(ctx, w, identity.MetastoreSecurable("m"), identity.TypeCatalog)
		fmt.Println(w.Host, len(cs), err)
	}
	return 0
}

// authority is a private CA with one certificate for the names given.
func authority(t *testing.T, names ...string) (file string, cert tls.Certificate, pool *x509.CertPool) {
	t.Helper()
	now := time.Now()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Corp Proxy CA"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		t.Fatal(err)
	}
	pemBytes := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pemBytes, 0o600); err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(pemBytes)
	return file, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// connectProxy is an HTTP proxy that leads every CONNECT to one server, and notes to whom it was meant.
type connectProxy struct {
	to      string
	url     string
	refuses int // answer every CONNECT with this status instead

	mu     sync.Mutex
	asked  []string
	active int
	idle   *sync.Cond
}

func newConnectProxy(t *testing.T, to string) *connectProxy {
	t.Helper()
	p := &connectProxy{to: to}
	p.idle = sync.NewCond(&p.mu)
	server := httptest.NewServer(p)
	t.Cleanup(func() {
		server.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		for p.active > 0 {
			p.idle.Wait()
		}
	})
	p.url = server.URL
	return p
}

func (p *connectProxy) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		http.Error(rw, "CONNECT only", http.StatusMethodNotAllowed)
		return
	}
	if p.refuses != 0 {
		rw.WriteHeader(p.refuses)
		return
	}
	p.mu.Lock()
	p.asked = append(p.asked, r.Host)
	p.active++
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.active--
		p.idle.Broadcast()
	}()
	up, err := net.Dial("tcp", p.to)
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadGateway)
		return
	}
	down, _, err := rw.(http.Hijacker).Hijack()
	if err != nil {
		_ = up.Close()
		return
	}
	_, _ = io.WriteString(down, "HTTP/1.1 200 OK\r\n\r\n")
	var tunnel sync.WaitGroup
	tunnel.Go(func() { _, _ = io.Copy(up, down); _ = up.Close() })
	tunnel.Go(func() { _, _ = io.Copy(down, up); _ = down.Close() })
	tunnel.Wait()
}

func (p *connectProxy) hosts() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	hosts := slices.Clone(p.asked)
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// tlsWorld serves an account by its real names over TLS.
func tlsWorld(t *testing.T, cert tls.Certificate) (*world, *httptest.Server, *sync.Map) {
	t.Helper()
	w := newWorld(t)
	w.json("GET "+workspacesPath, `[{"workspace_id":4411,"workspace_name":"prod","deployment_name":"dbc-1","workspace_status":"RUNNING"}]`)
	w.json("GET dbc-1.cloud.databricks.com/api/2.1/unity-catalog/catalogs", `{"catalogs":[{"name":"main"}]}`)
	protocols := &sync.Map{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		protocols.Store(r.Proto, true)
		w.serve(rw, r)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return w, server, protocols
}

func runChild(t *testing.T, env ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), append([]string{childMode + "=1",
		"DATABRICKS_HOST=https://" + testConsole, "DATABRICKS_ACCOUNT_ID=" + testAccount, "DATABRICKS_CLIENT_ID=client", "DATABRICKS_CLIENT_SECRET=" + testSecret,
	}, env...)...)
	out, _ := cmd.CombinedOutput()
	if bytes.Contains(out, []byte(testSecret)) || bytes.Contains(out, []byte("goroutine ")) {
		t.Errorf("output %s", out)
	}
	return string(out)
}

// The real host names, real TLS, a proxy and a CA of one's own, all through the environment.
func TestThroughAProxyWithAPrivateCA(t *testing.T) {
	caFile, cert, _ := authority(t, testConsole, "dbc-1.cloud.databricks.com")
	_, server, protocols := tlsWorld(t, cert)
	proxy := newConnectProxy(t, server.Listener.Addr().String())
	got := runChild(t, "HTTPS_PROXY="+proxy.url, "SSL_CERT_FILE="+caFile)
	if want := "https://dbc-1.cloud.databricks.com 1 <nil>\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if hosts := proxy.hosts(); !slices.Equal(hosts, []string{testConsole + ":443", "dbc-1.cloud.databricks.com:443"}) {
		t.Errorf("the proxy was asked for %v", hosts)
	}
	if _, ok := protocols.Load("HTTP/2.0"); !ok {
		t.Error("HTTP/2 was not used")
	}

	t.Run("CA not trusted", func(t *testing.T) {
		if got := runChild(t, "HTTPS_PROXY="+proxy.url); !strings.Contains(got, "certificate of "+testConsole+" is not trusted: if a proxy stands in between, set SSL_CERT_FILE") {
			t.Errorf("got %q", got)
		}
	})
	t.Run("proxy not there", func(t *testing.T) {
		if got := runChild(t, "HTTPS_PROXY=http://127.0.0.1:1", "SSL_CERT_FILE="+caFile); !strings.Contains(got, "the proxy does not answer: check HTTPS_PROXY") {
			t.Errorf("got %q", got)
		}
	})
}

// The same by options.
func TestProxyAndCAByOption(t *testing.T) {
	_, cert, pool := authority(t, testConsole, "dbc-1.cloud.databricks.com")
	_, server, _ := tlsWorld(t, cert)
	proxy := newConnectProxy(t, server.Listener.Addr().String())
	u, err := url.Parse(proxy.url)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), Options{Host: testConsole, AccountID: testAccount, ClientID: "client", ClientSecret: testSecret, Proxy: u, RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	ws, err := a.Session().Workspaces(t.Context())
	if err != nil || len(ws) != 1 {
		t.Errorf("%v, %v", ws, err)
	}
	if hosts := proxy.hosts(); !slices.Equal(hosts, []string{testConsole + ":443"}) {
		t.Errorf("the proxy was asked for %v", hosts)
	}
}

// A certificate for another name is refused, whoever signed it.
func TestCertificateForAnotherName(t *testing.T) {
	_, cert, pool := authority(t, "other.cloud.databricks.com")
	_, server, _ := tlsWorld(t, cert)
	proxy := newConnectProxy(t, server.Listener.Addr().String())
	u, _ := url.Parse(proxy.url)
	_, err := Open(t.Context(), Options{Host: testConsole, AccountID: testAccount, ClientID: "client", ClientSecret: testSecret, Proxy: u, RootCAs: pool})
	if err == nil || !strings.Contains(err.Error(), "certificate of "+testConsole+" is not valid") {
		t.Errorf("got %v", err)
	}
}

func TestProxyThatRefuses(t *testing.T) {
	for status, want := range map[int]string{407: "the proxy wants a user name and password to connect to " + testConsole, 403: "the proxy refuses to connect to " + testConsole + " (HTTP 403)", 502: "(HTTP 502)"} {
		proxy := newConnectProxy(t, "")
		proxy.refuses = status
		u, _ := url.Parse(proxy.url)
		_, err := Open(t.Context(), Options{Host: testConsole, AccountID: testAccount, ClientID: "client", ClientSecret: testSecret, Proxy: u, RetryBaseDelay: time.Millisecond})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v", status, err)
		}
	}
}
