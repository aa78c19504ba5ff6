package flow

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// TestExportReadsBack: whatever a configuration holds, the file that is written of it is read as the same one, to the byte.
func TestExportReadsBack(t *testing.T) {
	texts := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "yes", "No", "null", "~", "1", "0.10", "1e3", "0x1F", "2026-11-03", "12:30", " a ", "a: b", "# no", "- x",
		"&a", "*a", "!t", "%d", "@x", "`", "{", "[", "'", `"`, "\\", "a\nb", "tab\t", "é→", "\u2028", "😀", "true", "on", "y", "a #b", "?", "|", ">"}))
	texts = rapid.Map(texts, func(s string) string {
		return string(bytes.ToValidUTF8(bytes.ReplaceAll([]byte(s), []byte{0}, nil), []byte("?")))
	})
	numbers := rapid.SampledFrom([]json.Number{"0", "1", "-3", "0.10", "21.00", "12345678901234567890.123456789"}) // what the file form knows: no exponents
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		return rapid.Custom(func(t *rapid.T) any {
			kind := rapid.IntRange(0, 5).Draw(t, "kind")
			if depth == 0 {
				kind %= 4
			}
			switch kind {
			case 0:
				return texts.Draw(t, "text")
			case 1:
				return numbers.Draw(t, "number")
			case 2:
				return rapid.Bool().Draw(t, "bool")
			case 3:
				return nil
			case 4:
				list := []any{}
				for range rapid.IntRange(0, 4).Draw(t, "n") {
					list = append(list, value(depth-1).Draw(t, "element"))
				}
				return list
			}
			m := map[string]any{}
			for range rapid.IntRange(0, 4).Draw(t, "n") {
				m[rapid.StringMatching(`[a-zA-Z0-9_ :#.é-]{1,12}`).Draw(t, "key")] = value(depth-1).Draw(t, "value")
			}
			return m
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		c := Config{Version: Version, KeepDays: rapid.IntRange(0, maxKeepDays).Draw(t, "keep days"), Connections: map[string]Connection{}, Flows: map[string]Flow{}}
		for range rapid.IntRange(0, 3).Draw(t, "connections") {
			settings := map[string]string{}
			for range rapid.IntRange(0, 3).Draw(t, "settings") {
				settings[rapid.StringMatching(`[a-z_]{1,9}`).Draw(t, "setting")] = texts.Draw(t, "value")
			}
			c.Connections[rapid.StringMatching(`[a-z0-9][a-z0-9_-]{0,9}`).Draw(t, "name")] = Connection{Connector: "eaccounting", Settings: settings}
		}
		for range rapid.IntRange(0, 2).Draw(t, "flows") {
			settings := map[string]any{}
			for range rapid.IntRange(0, 3).Draw(t, "settings") {
				settings[rapid.StringMatching(`[a-z_]{1,9}`).Draw(t, "setting")] = value(3).Draw(t, "value")
			}
			c.Flows[rapid.StringMatching(`[a-z0-9][a-z0-9_-]{0,9}`).Draw(t, "name")] = Flow{Recipe: "a/b", Source: "x", Destination: "y", Settings: settings,
				Schedule: rapid.SampledFrom([]string{"", "5m", "30s", "1h30m"}).Draw(t, "schedule")}
		}
		file, err := c.YAML()
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseConfig(file, "export.yaml")
		if err != nil {
			t.Fatalf("%v\n%s", err, file)
		}
		if got, want := back.Canonical(), c.Canonical(); !bytes.Equal(got, want) {
			t.Fatalf("read back as\n%s\nwant\n%s\nfile:\n%s", got, want, file)
		}
	})
}
