package connector

import (
	"strings"
	"testing"
)

func TestSettingsValidate(t *testing.T) {
	known := []Setting{
		{Key: "base_url", Label: "Address", Type: SettingURL, Required: true, Help: "the address"},
		{Key: "settle_time", Label: "Settle time", Type: SettingDuration},
		{Key: "page_size", Label: "Page size", Type: SettingInteger},
		{Key: "share", Label: "Share", Type: SettingDecimal},
		{Key: "on", Label: "On", Type: SettingBool},
		{Key: "from", Label: "From", Type: SettingDate},
		{Key: "kind", Label: "Kind", Type: SettingChoice, Values: []string{"order", "invoice"}},
		{Key: "kinds", Label: "Kinds", Type: SettingChoices, Values: []string{"order", "invoice"}},
		{Key: "text", Label: "Text", Type: SettingText},
		{Key: "needed", Label: "Needed", Type: SettingText, Required: true, DependsOn: "kind", Equals: "invoice", Help: "h"},
	}
	good := Settings{
		"base_url": "https://x.example/v2", "settle_time": "2m", "page_size": "100", "share": "0.25", "on": "true", "from": "2026-02-28",
		"kind": "order", "kinds": "order, invoice", "text": "anything",
	}
	if got := good.Validate(known); len(got) != 0 {
		t.Errorf("good settings: %+v", got)
	}
	bad := Settings{
		"bse_url": "x", "settle_time": "-2m", "page_size": "1.5", "share": "1,5", "on": "yes", "from": "2026-02-30", "kind": "invoice",
		"kinds": "order,invoce",
	}
	want := map[string]string{
		"bse_url": `"base_url"`, "base_url": "missing", "settle_time": "duration", "page_size": "whole", "share": "number", "on": "true",
		"from": "date", "kinds": `"invoice"`, "needed": "missing",
	}
	got := bad.Validate(known)
	for _, p := range got {
		if part, ok := want[p.Setting]; !ok || !strings.Contains(p.Message+p.Remedy, part) || p.Remedy == "" {
			t.Errorf("problem %+v, want one that says %s", p, part)
		}
		delete(want, p.Setting)
	}
	if len(want) > 0 {
		t.Errorf("no problem for %v", want)
	}
}

func TestSettingsValidateURL(t *testing.T) {
	known := []Setting{{Key: "u", Label: "U", Type: SettingURL}}
	for v, ok := range map[string]bool{
		"https://api.example.com/v2": true, "http://127.0.0.1:9001/v2": true, "http://[::1]:1": true, "http://localhost": true,
		"http://api.example.com": false, "ftp://x": false, "api.example.com": false, "https://": false, "https://me@x.example": false,
		"http://127.0.0.1.example.com": false, "https://x.example/#a": false, "not an address": false,
	} {
		if got := (Settings{"u": v}).Validate(known); (len(got) == 0) != ok {
			t.Errorf("%s: %+v, want good %v", v, got, ok)
		}
	}
}
