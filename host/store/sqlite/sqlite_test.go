package sqlite

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/pomost/pomost/host/store"
	"github.com/pomost/pomost/host/store/storetest"
	"github.com/pomost/pomost/host/vault"
)

func TestMain(m *testing.M) {
	if crashChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

func testVault(t testing.TB) *vault.Vault {
	t.Helper()
	v, err := vault.Open(filepath.Join(t.TempDir(), "keys"), true)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func testStore(t testing.TB, opts ...Option) *Store {
	t.Helper()
	s, err := Open(context.Background(), filepath.Join(t.TempDir(), "pomost.db"), testVault(t), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	v := testVault(t)
	var mu sync.Mutex
	paths := map[string]string{}
	storetest.Run(t, func(t *testing.T) store.Store {
		mu.Lock()
		defer mu.Unlock()
		path, ok := paths[t.Name()]
		if !ok {
			path = filepath.Join(t.TempDir(), "pomost.db")
			paths[t.Name()] = path
		}
		s, err := Open(t.Context(), path, v)
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}
