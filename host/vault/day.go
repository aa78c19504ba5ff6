package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/pomost/pomost/sdk/record"
)

// DayFolder is the folder of the days' keys, beside the home's key: one file a day, so that dropping a day's key drops nothing else.
const DayFolder = "days"

// ErrDayKey says that the key of a day is gone: what was sealed with it cannot be read by anybody any more.
var ErrDayKey = errors.New("the key of that day was dropped")

// dayKeySize is that of AES-256.
const dayKeySize = 32

// maxDays bounds the keys that are kept in memory; one that is not there is read again.
const maxDays = 400

// SealDay seals a value with the key of a day, which is made when it is first needed. bound is not kept: the same text must be given
// to open the value, so that one that was moved to another place in the data does not open there.
func (v *Vault) SealDay(day record.Date, plain, bound []byte) ([]byte, error) {
	c, err := v.day(day, true)
	if err != nil {
		return nil, err
	}
	return c.Seal(nil, nil, plain, bound), nil //nolint:gosec // this cipher makes the nonce itself
}

// OpenDay opens what SealDay sealed. It fails with ErrDayKey where the key of that day is gone.
func (v *Vault) OpenDay(day record.Date, sealed, bound []byte) ([]byte, error) {
	c, err := v.day(day, false)
	if err != nil {
		return nil, err
	}
	plain, err := c.Open(nil, nil, sealed, bound)
	if err != nil {
		return nil, fmt.Errorf("decrypting what was kept on %s: %w", day, err)
	}
	return plain, nil
}

// Dropped tells whether an error of OpenDay says that the day's key is gone.
func (v *Vault) Dropped(err error) bool { return errors.Is(err, ErrDayKey) }

// DropDays removes the keys of all days before the given one and returns how many there were. From then on nobody can read what
// was sealed with them.
func (v *Vault) DropDays(before record.Date) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	list, err := os.ReadDir(v.dayFolder())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, dayProblem(err)
	}
	dropped := 0
	for _, entry := range list {
		day, ok := dayOf(entry.Name())
		if !ok || day >= before {
			continue
		}
		if err := os.Remove(filepath.Join(v.dayFolder(), entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return dropped, dayProblem(err)
		}
		delete(v.days, day)
		dropped++
	}
	if dropped == 0 {
		return 0, nil
	}
	return dropped, syncDir(v.dayFolder())
}

func (v *Vault) dayFolder() string { return filepath.Join(v.dir, DayFolder) }

func (v *Vault) dayFile(day record.Date) string {
	return filepath.Join(v.dayFolder(), day.String()+".key")
}

func dayOf(name string) (record.Date, bool) {
	text, ok := strings.CutSuffix(name, ".key")
	if !ok {
		return 0, false
	}
	day, err := record.ParseDate(text)
	return day, err == nil
}

func dayProblem(err error) error {
	return &Problem{Message: "a day's key of the activity log cannot be kept", Err: err, Remedy: "look at the rights and the room in the folder of the keys"}
}

// day returns the cipher of a day. A key that another process dropped stays usable here only while this process has it in memory.
func (v *Vault) day(day record.Date, create bool) (cipher.AEAD, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if c := v.days[day]; c != nil {
		return c, nil
	}
	key, err := readDayKey(v.dayFile(day))
	if errors.Is(err, fs.ErrNotExist) {
		if !create {
			return nil, fmt.Errorf("%s: %w", day, ErrDayKey)
		}
		key, err = v.makeDayKey(day)
	}
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	c, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	if len(v.days) >= maxDays || v.days == nil {
		v.days = map[record.Date]cipher.AEAD{}
	}
	v.days[day] = c
	return c, nil
}

func readDayKey(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, dayProblem(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, dayProblem(err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != dayKeySize {
		return nil, &Problem{Message: "the key file " + path + " is damaged", Remedy: "put it back from where you keep it, or remove it: what the activity log kept on that day is then lost"}
	}
	return key, nil
}

// makeDayKey makes a day's key. Invariant: it is durable before anything is sealed with it.
func (v *Vault) makeDayKey(day record.Date) ([]byte, error) {
	if v.dir == "" {
		return nil, dayProblem(errors.New("this key has no folder"))
	}
	if err := os.MkdirAll(v.dayFolder(), 0o700); err != nil {
		return nil, dayProblem(err)
	}
	key := make([]byte, dayKeySize)
	rand.Read(key) // never fails since Go 1.24
	if err := writeKey(v.dayFile(day), hex.EncodeToString(key)+"\n"); err != nil {
		return nil, dayProblem(err)
	}
	// Another process may have been first: then its key is the one.
	return readDayKey(v.dayFile(day))
}
