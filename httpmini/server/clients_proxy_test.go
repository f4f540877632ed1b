package server

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A front is nginx as a reverse proxy in front of a server. It listens on a Unix
// socket, which nobody else can have taken, and keeps one connection to the
// server.
type front struct {
	*http.Client
	t *testing.T
}

const nginxConfig = `
daemon off;
master_process off;
pid nginx.pid;
error_log stderr error;
events {}
http {
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	client_max_body_size 0;
	upstream fd3 {
		server %s;
		keepalive 1;
	}
	server {
		listen unix:%s;
		location / {
			proxy_pass http://fd3;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
		}
	}
}
`

// nginx starts a front. When the test ends, nginx has to have nothing to complain
// of.
func nginx(t *testing.T, s *served) front {
	t.Helper()
	dir, err := os.MkdirTemp("", "fd3") // t.TempDir may be too long for a sockaddr_un
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "socket")
	fill(t, dir, map[string]string{"nginx.conf": fmt.Sprintf(nginxConfig, s.addr, path)})
	cmd := program(t, "nginx", "-e", "stderr", "-p", dir, "-c", "nginx.conf")
	var complaints strings.Builder
	cmd.Stderr = &complaints
	must(t, cmd.Start())
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
		DisableCompression: true,
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cmd.Process.Signal(syscall.SIGQUIT)
		if err := cmd.Wait(); err != nil || complaints.Len() > 0 {
			t.Errorf("nginx: %v\n%s", err, complaints.String())
		}
	})
	eventually(t, "nginx to listen", func() bool {
		c, err := net.Dial("unix", path)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return front{&http.Client{
		Transport:     transport,
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, t}
}

// asks sends a request through nginx, and returns the answer and its content.
func (f front) asks(method, path, content string, fields ...string) (*http.Response, string) {
	f.t.Helper()
	var body io.Reader
	if content != "" {
		body = strings.NewReader(content)
	}
	r, err := http.NewRequest(method, "http://front"+path, body)
	must(f.t, err)
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		r.Header.Set(name, value)
	}
	answer, err := f.Do(r)
	must(f.t, err)
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	must(f.t, err)
	return answer, string(b)
}

func TestNginx(t *testing.T) {
	dir := documents(t)
	onLoops(t, loops, dir, func(t *testing.T, s *served) {
		f := nginx(t, s)
		tag := strongTag(t, s)
		direct := s.accepted()
		for _, x := range []struct {
			method, path, content string
			fields                []string
			status                int
			want                  string
		}{
			{"GET", "/hello.txt", "", nil, 200, hello},
			{"GET", "/kilo.bin", "", nil, 200, kilo},
			{"GET", "/large.bin", "", nil, 200, large},
			{"GET", "/empty.txt", "", nil, 200, ""},
			{"GET", "/dir", "", nil, 301, "/dir/"},
			{"GET", "/none", "", nil, 404, "404"},
			{"HEAD", "/hello.txt", "", nil, 200, ""},
			{"HEAD", "/large.bin", "", nil, 200, ""},
			{"GET", "/large.bin", "", []string{"Range: bytes=1000-1999"}, 206, large[1000:2000]},
			{"GET", "/hello.txt", "", []string{"Range: bytes=0-0,7-11"}, 206, "world"},
			{"GET", "/hello.txt", "", []string{"Range: bytes=99-"}, 416, "13 bytes"},
			{"GET", "/hello.txt", "", []string{"If-None-Match: " + tag}, 304, ""},
			{"GET", "/hello.txt", "", []string{"If-Modified-Since: " + modified.Format(imfFormat)}, 304, ""},
			{"HEAD", "/hello.txt", "", []string{"If-None-Match: " + tag}, 304, ""},
			{"GET", "/hello.txt", "", []string{"If-Match: \"another\""}, 412, "412"},
			{"POST", "/hello.txt", "content", nil, 405, "405"},
			{"PUT", "/hello.txt", smallUpload, nil, 405, "405"},
			{"OPTIONS", "/hello.txt", "", nil, 204, ""},
			{"GET", "/hello.txt", "", nil, 200, hello},
		} {
			answer, got := f.asks(x.method, x.path, x.content, x.fields...)
			if answer.StatusCode != x.status || !strings.Contains(got, x.want) || x.status < 206 && x.status != 301 && got != x.want {
				t.Errorf("%s %s %v: %s, %d bytes: %.200q", x.method, x.path, x.fields, answer.Status, len(got), got)
			}
			if x.method == "HEAD" && x.status == 200 && answer.ContentLength <= 0 {
				t.Errorf("HEAD %s: Content-Length %d", x.path, answer.ContentLength)
			}
		}
		if n := s.accepted() - direct; n != 1 {
			t.Errorf("nginx had to make %d connections", n)
		}
	})
}

func TestNginxBeforeTheVisitorsPage(t *testing.T) {
	onLoops(t, loops, "", func(t *testing.T, s *served) {
		f := nginx(t, s)
		for _, x := range []struct{ method, content, want string }{
			{"GET", "", `Host: fd3\r\n`},
			{"POST", "one body", "one body"},
			{"POST", smallUpload, "614400 bytes came behind the head"},
			{"GET", "", "request on it  4"},
		} {
			answer, got := f.asks(x.method, "/", x.content)
			if answer.StatusCode != 200 || !strings.Contains(got, x.want) {
				t.Errorf("%s of %d bytes: %s %s", x.method, len(x.content), answer.Status, got)
			}
		}
		if n := s.accepted(); n != 1 {
			t.Errorf("nginx had to make %d connections", n)
		}
	})
}
