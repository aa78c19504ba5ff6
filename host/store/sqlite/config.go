package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/pomost/pomost/host/store"
)

// SaveRevision implements store.Store.
func (s *Store) SaveRevision(ctx context.Context, r store.Revision) (number int64, err error) {
	err = s.change(ctx, "save the configuration", func(t *tx) error {
		number, err = t.insert("INSERT INTO revision (number, time, config) SELECT coalesce(max(number), 0) + 1, ?, ? FROM revision", micros(r.Time), blob(r.Config))
		return err
	})
	if err != nil {
		return 0, err
	}
	return number, nil
}

// blob keeps an empty value from becoming NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// Revision implements store.Store.
func (s *Store) Revision(ctx context.Context) (store.Revision, error) {
	var r store.Revision
	var at int64
	err := s.query(ctx, "SELECT number, time, config FROM revision ORDER BY number DESC LIMIT 1",
		func(row scanner) error { return row.Scan(&r.Number, &at, &r.Config) })
	if err == nil && r.Number == 0 {
		err = fmt.Errorf("configuration: %w", store.ErrNotFound)
	}
	if err != nil {
		return store.Revision{}, s.fail("read the configuration", err)
	}
	r.Time = fromMicros(at)
	return r, nil
}

// Secrets implements store.Store.
func (s *Store) Secrets(ctx context.Context, connection string) (map[string]string, error) {
	sealed := map[string][]byte{}
	err := s.query(ctx, "SELECT name, value FROM secret WHERE connection = ?", func(row scanner) error {
		var name string
		var value []byte
		if err := row.Scan(&name, &value); err != nil {
			return err
		}
		sealed[name] = value
		return nil
	}, connection)
	if err != nil {
		return nil, s.fail("read secrets", err)
	}
	secrets := make(map[string]string, len(sealed))
	for name, value := range sealed {
		plain, err := s.open(value)
		if err != nil {
			return nil, &store.Error{Code: store.CodeSecrets, Err: err,
				Message: fmt.Sprintf("the secret %s of connection %s cannot be decrypted", name, connection),
				Remedy:  "put the key file that belongs to this state back in its place, or give the secrets again with `pomost apply`"}
		}
		secrets[name] = string(plain)
	}
	return secrets, nil
}

func (s *Store) open(sealed []byte) ([]byte, error) {
	if s.cipher == nil {
		return nil, errors.New("the state was opened without its key")
	}
	return s.cipher.Decrypt(sealed)
}

// PutSecrets implements store.Store.
func (s *Store) PutSecrets(ctx context.Context, connection string, secrets map[string]string) error {
	sealed := make(map[string][]byte, len(secrets))
	for name, value := range secrets {
		if value == "" {
			sealed[name] = nil
			continue
		}
		err := errors.New("the state was opened without its key")
		if s.cipher != nil {
			sealed[name], err = s.cipher.Encrypt([]byte(value))
		}
		if err != nil {
			return &store.Error{Code: store.CodeSecrets, Err: err, Message: fmt.Sprintf("the secret %s of connection %s cannot be encrypted", name, connection)}
		}
	}
	return s.change(ctx, "save secrets", func(t *tx) error {
		for name, value := range sealed {
			var err error
			if value == nil {
				err = t.exec("DELETE FROM secret WHERE connection = ? AND name = ?", connection, name)
			} else {
				err = t.exec("INSERT INTO secret (connection, name, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", connection, name, value)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
