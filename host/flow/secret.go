package flow

import (
	"errors"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
)

// maxSecret bounds a secret.
const maxSecret = 64 << 10

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,255}$`)

// checkSecretRef tells what is wrong with a reference. It never repeats what is written there: a secret may stand where its
// reference should.
func checkSecretRef(n *node) string {
	if n.kind == nodeNull || n.kind == nodeText && n.text == "" {
		return "has no value"
	}
	if n.kind != nodeText {
		return "is " + nodeNames[n.kind] + ", want a reference to the secret"
	}
	kind, rest, ok := strings.Cut(n.text, ":")
	switch {
	case ok && kind == "env" && envName.MatchString(rest):
		return ""
	case ok && kind == "env":
		return "names no environment variable"
	case ok && kind == "file" && rest != "" && strings.TrimSpace(rest) == rest && !strings.ContainsRune(rest, 0):
		return ""
	case ok && kind == "file":
		return "names no file"
	}
	return "want a reference to the secret, not the secret itself"
}

// ResolveSecret fetches the secret that a reference names: env:NAME through getenv (as os.LookupEnv), file:PATH, relative to dir, through
// readFile. One trailing line end is cut. The error is a *UsageError and never shows the secret.
func ResolveSecret(ref, dir string, getenv func(string) (string, bool), readFile func(string) ([]byte, error)) (string, error) {
	if message := checkSecretRef(&node{kind: nodeText, text: ref}); message != "" {
		return "", &UsageError{Message: message, Remedy: "write env:NAME or file:PATH"}
	}
	kind, name, _ := strings.Cut(ref, ":")
	var secret string
	if kind == "env" {
		value, ok := getenv(name)
		if !ok {
			return "", &UsageError{Message: "the environment variable " + name + " is not set", Remedy: "set it, then apply again"}
		}
		secret = value
	} else {
		path := name
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		data, err := readFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "", &UsageError{Message: "the file " + path + " does not exist", Remedy: "create it, then apply again"}
		case errors.Is(err, fs.ErrPermission):
			return "", &UsageError{Message: "the file " + path + " may not be read", Remedy: "give this user the right to read it"}
		case err != nil:
			return "", &UsageError{Message: "the file " + path + " cannot be read: " + err.Error()}
		case len(data) > maxSecret:
			return "", &UsageError{Message: "the file " + path + " is too large for a secret", Remedy: "name the file that holds the secret alone"}
		}
		secret = string(data)
	}
	secret = strings.TrimSuffix(strings.TrimSuffix(secret, "\n"), "\r")
	if secret == "" {
		return "", &UsageError{Message: ref + " is empty", Remedy: "put the secret there, then apply again"}
	}
	return secret, nil
}
