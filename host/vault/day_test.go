package vault

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/pomost/pomost/sdk/record"
)

func open(t *testing.T, dir string) *Vault {
	t.Helper()
	v, err := Open(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDayKeys(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	v := open(t, dir)
	one, two := record.NewDate(2026, 11, 3), record.NewDate(2026, 11, 4)
	plain, beside := []byte("anna@example.nl"), []byte("orders|1")
	first, err := v.SealDay(one, plain, beside)
	if err != nil {
		t.Fatal(err)
	}
	second, err := v.SealDay(two, plain, beside)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(first, plain) || bytes.Equal(first, second) {
		t.Error("what was sealed is not sealed")
	}
	for _, r := range []*Vault{v, open(t, dir)} { // in the process that made the key, and in another one
		if got, err := r.OpenDay(one, first, beside); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("got %q, %v", got, err)
		}
		if _, err := r.OpenDay(two, first, beside); err == nil {
			t.Error("it opens with the key of another day")
		}
		if _, err := r.OpenDay(one, first, []byte("orders|2")); err == nil || r.Dropped(err) {
			t.Errorf("beside another record: %v", err)
		}
		if _, err := r.OpenDay(one, first[:len(first)-1], beside); err == nil {
			t.Error("it opens though it was cut")
		}
	}
	if info, err := os.Stat(filepath.Join(dir, DayFolder, "2026-11-03.key")); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v %v", info, err)
	}

	if err := os.WriteFile(filepath.Join(dir, DayFolder, "note.txt"), nil, 0o600); err != nil { // not ours: left alone
		t.Fatal(err)
	}
	if n, err := v.DropDays(two); n != 1 || err != nil {
		t.Errorf("dropped %d, %v", n, err)
	}
	for _, r := range []*Vault{v, open(t, dir)} {
		if _, err := r.OpenDay(one, first, beside); !errors.Is(err, ErrDayKey) || !r.Dropped(err) {
			t.Errorf("with its key gone: %v", err)
		}
		if got, err := r.OpenDay(two, second, beside); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("the other day: %q, %v", got, err)
		}
	}
	if n, err := v.DropDays(two); n != 0 || err != nil {
		t.Errorf("dropped again: %d, %v", n, err)
	}
	if _, err := os.Stat(filepath.Join(dir, DayFolder, "note.txt")); err != nil {
		t.Error(err)
	}
}

func TestDayKeyIsMadeOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	day := record.NewDate(2026, 11, 3)
	vaults := make([]*Vault, 8)
	sealed := make([][]byte, len(vaults))
	for i := range vaults {
		vaults[i] = open(t, dir)
	}
	var wg sync.WaitGroup
	for i, v := range vaults { // processes that seal their first slice of the day at the same time
		wg.Go(func() {
			var err error
			if sealed[i], err = v.SealDay(day, []byte{byte(i)}, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for i, s := range sealed {
		if got, err := vaults[0].OpenDay(day, s, nil); err != nil || got[0] != byte(i) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func TestDamagedDayKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	v := open(t, dir)
	day := record.NewDate(2026, 11, 3)
	if err := os.MkdirAll(filepath.Join(dir, DayFolder), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, DayFolder, "2026-11-03.key"), []byte("abcd\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := v.SealDay(day, []byte("x"), nil)
	var p *Problem
	if !errors.As(err, &p) || p.Remedy == "" {
		t.Errorf("got %v", err)
	}
}
