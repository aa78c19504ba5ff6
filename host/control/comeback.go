package control

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// CameBack is an address that a browser was led back to; Reply takes what became of it, for the page that the person then sees.
type CameBack struct {
	Address string
	Reply   chan<- error
}

// Local tells whether an address that a consent leads back to is one of this machine, at which we can listen.
func Local(redirect string) bool {
	u, err := url.Parse(redirect)
	if err != nil || u.Scheme != "http" || u.Port() == "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// ListenBack listens at an address of this machine to which a consent leads back; nil where it is not one that we can listen at.
func ListenBack(ctx context.Context, redirect string) (<-chan CameBack, func(), error) {
	none := func() {}
	u, err := url.Parse(redirect)
	if err != nil || !Local(redirect) {
		return nil, none, nil //nolint:nilerr // the address is pasted then
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", u.Host)
	if err != nil {
		return nil, none, err
	}
	out := make(chan CameBack)
	path := u.Path
	if path == "" {
		path = "/"
	}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, MaxHeaderBytes: 32 << 10, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path || r.URL.RawQuery == "" {
			http.NotFound(w, r)
			return
		}
		reply := make(chan error, 1)
		select {
		case out <- CameBack{Address: redirect + "?" + r.URL.RawQuery, Reply: reply}:
		case <-r.Context().Done():
			return
		case <-ctx.Done():
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		select {
		case err := <-reply:
			if err != nil {
				w.WriteHeader(http.StatusBadRequest)
				f := AsFailure(err)
				fmt.Fprintf(w, "Pomost was not authorised: %s\n%s\n", f.Error(), f.Remedy)
				return
			}
			fmt.Fprintln(w, "Pomost is authorised. You can close this page.")
		case <-ctx.Done():
		}
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // it ends when it is stopped
	}()
	return out, func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(end) != nil {
			_ = server.Close()
		}
		<-done
	}, nil
}
