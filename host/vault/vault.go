// Package vault keeps what must not be read by others: the key of a home, with which its secrets are encrypted and its personal
// keys are hashed, and the words for secrets that never print themselves.
//
// The key lives in a file of its own, apart from the data and its back-ups: a copy of the data alone tells nobody a secret.
package vault

import (
	"bufio"
	"bytes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"filippo.io/age"

	"github.com/pomost/pomost/sdk/record"
)

// Cipher encrypts what is kept and decrypts it again.
type Cipher interface {
	Encrypt(plain []byte) ([]byte, error)
	Decrypt(sealed []byte) ([]byte, error)
}

// KeyFile is the name of the key's file in its folder.
const KeyFile = "vault.key"

// maxKeyFile bounds what is read of a key file.
const maxKeyFile = 4096

// Problem is a key that cannot be used: what is wrong and what to do.
type Problem struct {
	Missing         bool // there is no key, though there is data that was encrypted with it
	Message, Remedy string
	Err             error
}

// Error is the message with its cause.
func (p *Problem) Error() string {
	if p.Err == nil {
		return p.Message
	}
	return p.Message + ": " + p.Err.Error()
}

// Unwrap returns the underlying error.
func (p *Problem) Unwrap() error { return p.Err }

// Vault holds a home's key. Safe for concurrent use. It prints as a mark only.
type Vault struct {
	identity *age.X25519Identity
	hashKey  []byte
	dir      string

	mu   sync.Mutex
	days map[record.Date]cipher.AEAD // keys of days that were used, see SealDay
}

var _ Cipher = (*Vault)(nil)

// Open reads the key in the folder dir. Where there is none it makes one if create is true; else it fails with a Problem that says
// what to do, since data without its key cannot be read. A key file or folder that others can read is refused. An
// existing key is never overwritten.
func Open(dir string, create bool) (*Vault, error) {
	if create {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, &Problem{Message: "the folder for the key cannot be made", Err: err, Remedy: "give the user who runs Pomost the right to make it"}
		}
	}
	path := filepath.Join(dir, KeyFile)
	v, err := read(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return v, err
	}
	if !create {
		return nil, &Problem{Missing: true, Message: "the key file " + path + " is missing, and what is kept in this home is encrypted with it",
			Remedy: "put the key file back from where you keep it; if it is lost for good, move the home away and apply the configuration with new consents"}
	}
	if err := makeKey(path); err != nil {
		return nil, err
	}
	return read(path)
}

// read reads a key file that only its owner can read; fs.ErrNotExist where there is none.
func read(path string) (*Vault, error) {
	// The folder first: whoever can write there can put a key of his own in place.
	for _, p := range []string{filepath.Dir(path), path} {
		info, err := os.Stat(p)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err != nil {
			return nil, &Problem{Message: "the key cannot be looked at", Err: err, Remedy: "run Pomost as the user who owns the home"}
		}
		// Windows keeps rights in lists that the mode bits do not show.
		if rights := info.Mode().Perm(); rights&0o077 != 0 && runtime.GOOS != "windows" {
			want := "600"
			if info.IsDir() {
				want = "700"
			}
			return nil, &Problem{Message: fmt.Sprintf("%s can be read or changed by others than its owner (rights %04o)", p, rights),
				Remedy: fmt.Sprintf("run `chmod %s %s`; if others may have read it, apply the configuration with new consents", want, p)}
		}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &Problem{Message: "the key cannot be read", Err: err, Remedy: "run Pomost as the user who owns the home"}
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, &Problem{Message: "the key cannot be read", Err: err, Remedy: "look at the disk"}
	}
	v, err := parse(text)
	if err != nil {
		return nil, &Problem{Message: "the key file " + path + " is damaged", Err: err, Remedy: "put the key file back from where you keep it"}
	}
	v.dir = filepath.Dir(path)
	return v, nil
}

// parse reads a key file: comments, the line of the age identity, and the line of the hash key. Its errors quote nothing.
func parse(text []byte) (*Vault, error) {
	v := &Vault{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		var err error
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "AGE-SECRET-KEY-1"):
			if v.identity, err = age.ParseX25519Identity(line); err != nil {
				return nil, errors.New("its age identity is not valid")
			}
		case strings.HasPrefix(line, "hash "):
			if v.hashKey, err = hex.DecodeString(strings.TrimPrefix(line, "hash ")); err != nil || len(v.hashKey) != sha256.Size {
				return nil, errors.New("its hash key is not valid")
			}
		default:
			return nil, errors.New("it has a line of an unknown kind")
		}
	}
	if v.identity == nil || v.hashKey == nil {
		return nil, errors.New("it is not complete")
	}
	return v, lines.Err()
}

// makeKey makes a new key.
func makeKey(path string) (err error) {
	defer func() {
		if err != nil {
			err = &Problem{Message: "the key cannot be made", Err: err, Remedy: "look at the rights and the room in " + filepath.Dir(path)}
		}
	}()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	hashKey := make([]byte, sha256.Size)
	rand.Read(hashKey) // never fails since Go 1.24
	return writeKey(path, fmt.Sprintf("# The key of this home of Pomost. Without it the secrets in the home cannot be read: keep a copy in a safe place,\n"+
		"# apart from the back-ups of the data. Whoever has both can read the secrets.\n%s\nhash %s\n", identity, hex.EncodeToString(hashKey)))
}

// writeKey makes a key file for its owner alone. It appears under its name complete and synced, or not at all, and never over another one.
func writeKey(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return err
	}
	// A link fails where the name is taken: two first commands end with the same key.
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synced there
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Encrypt seals a value with the home's key.
func (v *Vault) Encrypt(plain []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := age.Encrypt(&b, v.identity.Recipient())
	if err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encrypting: %w", err)
	}
	return b.Bytes(), nil
}

// Decrypt opens a value that Encrypt sealed; one that was changed or sealed with another key is refused.
func (v *Vault) Decrypt(sealed []byte) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(sealed), v.identity)
	if err != nil {
		return nil, fmt.Errorf("decrypting: %w", err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("decrypting: %w", err)
	}
	return plain, nil
}

// HashKey is the keyed hash of a natural key that may be personal, as 32 hexadecimal digits: equal texts of one domain have
// equal hashes in this home, and without the key nothing can be told from them. Normalise the text first.
func (v *Vault) HashKey(domain, text string) string {
	h := hmac.New(sha256.New, v.hashKey)
	fmt.Fprintf(h, "%d:%s:", len(domain), domain)
	io.WriteString(h, text)
	return hex.EncodeToString(h.Sum(nil))[:32]
}

// String is a mark; the key prints nowhere.
func (v *Vault) String() string { return "vault" }

// GoString is a mark too.
func (v *Vault) GoString() string { return "vault" }
