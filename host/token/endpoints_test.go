package token

import (
	"errors"
	"strings"
	"testing"

	"github.com/pomost/pomost/sdk/connector"
)

func TestEndpointsOf(t *testing.T) {
	vendor := Endpoints{"https://id.vendor.example/authorize", "https://id.vendor.example/token"}
	for name, tt := range map[string]struct {
		settings connector.Settings
		want     Endpoints
	}{
		"nothing set":          {nil, vendor},
		"the vendor's base":    {connector.Settings{"base_url": "https://api.vendor.example/v2"}, vendor},
		"with www and capital": {connector.Settings{"base_url": "https://WWW.API.vendor.example"}, vendor},
		"another environment": {connector.Settings{"base_url": "https://API-test.vendor.example/v2"},
			Endpoints{"https://id-test.vendor.example/authorize", "https://id-test.vendor.example/token"}},
		"another base": {connector.Settings{"base_url": "http://127.0.0.1:9001/v2"},
			Endpoints{"http://127.0.0.1:9001/connect/authorize", "http://127.0.0.1:9001/connect/token"}},
		"token_url alone": {connector.Settings{"base_url": "http://127.0.0.1:9001/v2", "token_url": "http://127.0.0.1:9009/t?x=1#f"},
			Endpoints{"http://127.0.0.1:9001/connect/authorize", "http://127.0.0.1:9009/t?x=1"}},
		"both": {connector.Settings{"authorize_url": " https://a.example/x ", "token_url": "https://b.example/y"},
			Endpoints{"https://a.example/x", "https://b.example/y"}},
	} {
		got, err := EndpointsOf(description(), tt.settings)
		if err != nil || got != tt.want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, tt.want)
		}
	}
	for setting, text := range map[string]string{"base_url": "ftp://x", "token_url": "/relative", "authorize_url": "https://user:hunter2@x.example/"} {
		_, err := EndpointsOf(description(), connector.Settings{setting: text})
		var e *connector.Error
		if !errors.As(err, &e) || e.Field != setting || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s=%s: %v", setting, text, err)
		}
	}
	if _, err := EndpointsOf(connector.Description{Name: "plain"}, nil); err == nil {
		t.Error("end points of a connector without OAuth")
	}
}

func TestHostsOf(t *testing.T) {
	hosts := func(s connector.Settings) string {
		e, err := EndpointsOf(description(), s)
		if err != nil {
			t.Fatal(err)
		}
		return hostsOf(description(), s, e)
	}
	base := hosts(connector.Settings{"base_url": "https://x.example/v2"})
	for _, same := range []string{"https://x.example/v3", "https://X.example:443/v2"} {
		if hosts(connector.Settings{"base_url": same}) != base {
			t.Errorf("%s counts as another host", same)
		}
	}
	for _, other := range []string{"http://x.example/v2", "https://y.example/v2", "https://x.example:444/v2"} {
		if hosts(connector.Settings{"base_url": other}) == base {
			t.Errorf("%s counts as the same host", other)
		}
	}
	if hosts(connector.Settings{"base_url": "https://x.example/v2", "token_url": "https://x.example/connect/token"}) != base {
		t.Error("an explicit token_url on the same host counts as another host")
	}
}
