package sandbox

import (
	"bufio"
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
	"sync"
	"time"
)

// CACertPEM is the certificate of the sandbox's private CA.
func (s *Server) CACertPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.inner.ca.cert.Raw})
}

// CertPool trusts the sandbox's private CA and nothing else.
func (s *Server) CertPool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.inner.ca.cert)
	return pool
}

// connect answers CONNECT: it refuses hosts the account does not have and hands
// the connection of the others to the TLS server.
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	host := hostOnly(r.Host)
	if _, inTunnel := r.Context().Value(connKey{}).(*tunnel); inTunnel || !s.hasHost(host) {
		http.Error(w, "sandbox: no host "+host+" in this account", http.StatusBadGateway)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "sandbox: this connection cannot become a tunnel", http.StatusInternalServerError)
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = conn.Close()
		return
	}
	s.inner.take(&tunnel{Conn: conn, host: host, early: buffered.Reader})
}

func (s *Server) hasHost(host string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return host == s.acct.AccountHostName() || host == s.acct.ResultsHostName() || s.idx.hosts[host] != nil
}

// tunnel is a connection after CONNECT. The client may have sent the first
// bytes of TLS already; they are in early.
type tunnel struct {
	net.Conn
	host  string
	early *bufio.Reader
	owner *tunnels
}

// Close implements net.Conn.
func (t *tunnel) Close() error {
	if t.owner != nil {
		t.owner.forget(t)
	}
	return t.Conn.Close()
}

func (t *tunnel) Read(p []byte) (int, error) {
	if t.early != nil && t.early.Buffered() > 0 {
		return t.early.Read(p)
	}
	t.early = nil
	return t.Conn.Read(p)
}

// tunnels is the TLS server at the inner end of all tunnels.
type tunnels struct {
	ca     *authority
	server *http.Server
	conns  chan net.Conn
	closed chan struct{}

	mu   sync.Mutex
	done bool
	live map[*tunnel]bool
}

func newTunnels(s *Server) (*tunnels, error) {
	ca, err := newAuthority()
	if err != nil {
		return nil, fmt.Errorf("sandbox CA: %w", err)
	}
	t := &tunnels{ca: ca, conns: make(chan net.Conn), closed: make(chan struct{}), live: map[*tunnel]bool{}}
	t.server = &http.Server{
		Handler:     s,
		ConnState:   s.conns.note,
		ConnContext: withConn,
		ErrorLog:    silent(),
		TLSConfig:   &tls.Config{GetCertificate: ca.certificateFor, NextProtos: []string{"h2", "http/1.1"}},
	}
	return t, nil
}

func (t *tunnels) serve(wg *sync.WaitGroup) {
	wg.Go(func() { _ = t.server.ServeTLS(t, "", "") })
}

// take hands a new tunnel to the TLS server, or closes it if the server is gone.
func (t *tunnels) take(c *tunnel) {
	if !t.enlist(c) {
		_ = c.Close()
		return
	}
	select {
	case t.conns <- c:
	case <-t.closed:
	}
}

func (t *tunnels) enlist(c *tunnel) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done {
		return false
	}
	c.owner = t
	t.live[c] = true
	return true
}

func (t *tunnels) forget(c *tunnel) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.live, c)
}

// close ends the TLS server and every tunnel, also those it has not accepted yet.
func (t *tunnels) close() {
	_ = t.Close()
	_ = t.server.Close()
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.live {
		_ = c.Conn.Close()
	}
}

// Accept implements net.Listener.
func (t *tunnels) Accept() (net.Conn, error) {
	select {
	case c := <-t.conns:
		return c, nil
	case <-t.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (t *tunnels) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.done {
		t.done = true
		close(t.closed)
	}
	return nil
}

// Addr implements net.Listener.
func (t *tunnels) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

type connKey struct{}

// withConn remembers the connection under a request, for faults that reset it.
func withConn(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		return context.WithValue(ctx, connKey{}, t.NetConn())
	}
	return context.WithValue(ctx, connKey{}, c)
}

// resetConn closes the connection under the request so that the peer sees a reset.
func resetConn(r *http.Request) {
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	if t, ok := conn.(*tunnel); ok {
		conn = t.Conn
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
		_ = tcp.Close()
	}
}

// connTracker lets Close wait until the goroutines of all connections and
// requests are done. A WaitGroup would not do: requests begin while it waits.
type connTracker struct {
	mu       sync.Mutex
	open     map[net.Conn]bool
	requests int
	idle     *sync.Cond
}

func newConnTracker() *connTracker {
	t := &connTracker{open: map[net.Conn]bool{}}
	t.idle = sync.NewCond(&t.mu)
	return t
}

func (t *connTracker) note(c net.Conn, state http.ConnState) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch state {
	case http.StateNew:
		t.open[c] = true
	case http.StateClosed, http.StateHijacked:
		delete(t.open, c)
		t.idle.Broadcast()
	}
}

func (t *connTracker) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests++
}

func (t *connTracker) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests--
	t.idle.Broadcast()
}

func (t *connTracker) wait() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.open)+t.requests > 0 {
		t.idle.Wait()
	}
}

// authority is an in-memory certificate authority. All leaves share one key:
// minting is then a signature, and the key never leaves the process.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	leaf *ecdsa.PrivateKey

	mu     sync.Mutex
	minted map[string]*tls.Certificate
}

// Certificates are valid over a span that no test clock leaves.
var (
	validFrom = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	validTo   = time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
)

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	leaf, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	tmpl := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "sandbox private CA", Organization: []string{"Sandbox"}},
		NotBefore:             validFrom,
		NotAfter:              validTo,
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{cert: cert, key: key, leaf: leaf, minted: map[string]*tls.Certificate{}}, nil
}

// certificateFor mints the certificate of the host that the tunnel was opened
// to, not of the name the client asks for: a real host has only its own.
func (a *authority) certificateFor(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	host := hello.ServerName
	if t, ok := hello.Conn.(*tunnel); ok {
		host = t.host
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if c := a.minted[host]; c != nil {
		return c, nil
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(int64(len(a.minted)) + 2),
		Subject:      pkix.Name{CommonName: host},
		DNSNames:     []string{host},
		NotBefore:    validFrom,
		NotAfter:     validTo,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &a.leaf.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	c := &tls.Certificate{Certificate: [][]byte{der, a.cert.Raw}, PrivateKey: a.leaf}
	a.minted[host] = c
	return c, nil
}

// silent is for the logs of net/http: aborted connections are deliberate here.
func silent() *log.Logger { return log.New(io.Discard, "", 0) }
