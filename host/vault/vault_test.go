package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestKeyIsMadeOnceAndKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	vaults := make([]*Vault, 8)
	var group sync.WaitGroup
	for i := range vaults { // first commands at the same time
		group.Go(func() {
			v, err := Open(dir, true)
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			vaults[i] = v
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	sealed, err := vaults[0].Encrypt([]byte("refresh-0"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("refresh")) {
		t.Error("sealed text shows the plain one")
	}
	again, err := Open(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range append(slices.Clone(vaults), again) {
		if plain, err := v.Decrypt(sealed); err != nil || string(plain) != "refresh-0" {
			t.Errorf("Decrypt = %q, %v", plain, err)
		}
		if v.HashKey("mail", "a@b.nl") != again.HashKey("mail", "a@b.nl") {
			t.Error("hashes differ between openings")
		}
	}
	if info, err := os.Stat(filepath.Join(dir, KeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v", info, err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v, %v", info, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("%d files in the key's folder", len(files))
	}
}

func problem(t *testing.T, err error) *Problem {
	t.Helper()
	var p *Problem
	if !errors.As(err, &p) || p.Remedy == "" {
		t.Fatalf("got %v, want a Problem with a remedy", err)
	}
	if strings.Contains(err.Error(), "AGE-SECRET") {
		t.Errorf("the error shows the key: %v", err)
	}
	return p
}

func TestMissingKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	_, err := Open(dir, false)
	if p := problem(t, err); !p.Missing || !strings.Contains(p.Remedy, "put the key file back") {
		t.Errorf("%+v", p)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("looking for a key made its folder")
	}
}

func TestRightsTooWide(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no mode bits")
	}
	dir := filepath.Join(t.TempDir(), "keys")
	if _, err := Open(dir, true); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, KeyFile)
	for _, tt := range []struct {
		path   string
		rights os.FileMode
		remedy string
	}{{key, 0o640, "chmod 600 " + key}, {key, 0o604, "chmod 600 " + key}, {dir, 0o750, "chmod 700 " + dir}, {dir, 0o701, "chmod 700 " + dir}} {
		before, err := os.Stat(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(tt.path, tt.rights); err != nil {
			t.Fatal(err)
		}
		_, err = Open(dir, true)
		if p := problem(t, err); !strings.Contains(p.Remedy, tt.remedy) {
			t.Errorf("%s with %o: %s", tt.path, tt.rights, p.Remedy)
		}
		if err := os.Chmod(tt.path, before.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(dir, false); err != nil {
		t.Error(err)
	}
}

func TestDamagedKeyIsNeverOverwritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	if _, err := Open(dir, true); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, KeyFile)
	good, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "half": string(good[:len(good)-10]), "without hash": string(good[:bytes.Index(good, []byte("hash "))]),
		"broken identity": strings.Replace(string(good), "AGE-SECRET-KEY-1", "AGE-SECRET-KEY-1QQ", 1), "other": "hello\n",
	} {
		if err := os.WriteFile(key, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(dir, true)
		if p := problem(t, err); p.Missing || !strings.Contains(p.Message, "damaged") {
			t.Errorf("%s: %+v", name, p)
		}
		if now, err := os.ReadFile(key); err != nil || string(now) != text {
			t.Errorf("%s: the file was changed", name)
		}
	}
}

func TestAnotherKeyOpensNothing(t *testing.T) {
	open := func() *Vault {
		v, err := Open(filepath.Join(t.TempDir(), "keys"), true)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	a, b := open(), open()
	sealed, err := a.Encrypt([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Decrypt(sealed); err == nil {
		t.Error("another key opened it")
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := a.Decrypt(sealed); err == nil {
		t.Error("a changed value was opened")
	}
	if a.HashKey("d", "x") == b.HashKey("d", "x") {
		t.Error("hashes of two homes agree")
	}
	if a.HashKey("d", "x") == a.HashKey("e", "x") || a.HashKey("d", "ex") == a.HashKey("de", "x") || len(a.HashKey("d", "x")) != 32 {
		t.Error("domains are not kept apart")
	}
	if text := fmt.Sprintf("%v %+v %#v %s", a, a, a, a); strings.Contains(text, "AGE") || strings.Contains(text, "[") {
		t.Errorf("a vault prints as %s", text)
	}
}

func TestSecretNeverPrints(t *testing.T) {
	const text = "hunter2-hunter2"
	s := NewSecret(text)
	type outer struct {
		Public Secret
		hidden Secret
		List   []Secret
		Map    map[string]Secret
	}
	o := outer{s, s, []Secret{s}, map[string]Secret{"k": s}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%10.3s"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", s, o, &o)
	}
	j, err := json.Marshal(map[string]any{"s": s, "o": o, "p": &s})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(j)
	logger := slog.New(slog.NewJSONHandler(&out, nil))
	logger.Info("x", "s", s, "o", o)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "s", s, "o", o)
	fmt.Fprint(&out, errors.Join(fmt.Errorf("with %w and %v", errors.New("x"), s)))
	for _, form := range []string{text, fmt.Sprintf("%x", text), "hun"} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the secret shows as %s in %s", form, out.String())
		}
	}
	if s.Reveal() != text || s.Empty() || !(Secret{}).Empty() || !NewSecret("").Empty() {
		t.Error("the secret is not what it was made of")
	}
}

func TestScrub(t *testing.T) {
	for _, tt := range []struct {
		text    string
		secrets []string
		want    string
	}{
		{"token abcd1234 was refused", []string{"abcd1234"}, "token ••• was refused"},
		{"a=p%40ss%2Fword&b=1 p@ss/word", []string{"p@ss/word"}, "a=•••&b=1 •••"},
		{`{"t":"a\"b\\c<"}`, []string{`a"b\c<`}, `{"t":"a\"b\\c<"}`},
		{`{"t":"a\"b\\c"}`, []string{`a"b\c`}, `{"t":"•••"}`},
		{"Basic c2VjcmV0LXZhbHVl!", []string{"secret-value"}, "Basic •••!"},
		{"longer-secret", []string{"secret", "longer-secret"}, "•••"},
		{"nothing here", []string{"", "no", "abc"}, "nothing here"},
	} {
		if got := Scrub(tt.text, tt.secrets...); got != tt.want {
			t.Errorf("Scrub(%q, %q) = %q, want %q", tt.text, tt.secrets, got, tt.want)
		}
	}
}
