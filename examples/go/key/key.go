// Package key finds the credential that tells a registry who a program is, where the SDK and the command line look for it, too.
package key

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Key is sent with every call of a connection: a grpc-go PerRPCCredentials.
type Key string

// Find looks for the credential for these nodes: TOOLGATE_KEY, else the file that TOOLGATE_KEY_FILE names, else, for nodes on this
// machine, the file that `npm start` made with them. It is empty where there is none, as for nodes that are open.
//
// These connections have no TLS, so a key is refused for other machines' nodes: everybody on the way could read it.
func Find(nodes []string) (Key, error) {
	for _, variable := range []string{"TOOLGATE_KEY", "TOOLGATE_KEY_FILE"} {
		value := os.Getenv(variable)
		if value == "" {
			continue
		}
		for _, node := range nodes {
			if host, _ := split(node); host == "" {
				return "", fmt.Errorf("the key of %s is not sent to %s: the connection has no TLS", variable, node)
			}
		}
		if variable == "TOOLGATE_KEY_FILE" {
			content, err := os.ReadFile(value)
			if err != nil {
				return "", err
			}
			value = string(content)
		}
		return Key(strings.TrimSpace(value)), nil
	}
	for _, node := range nodes {
		if key := madeWith(node); key != "" {
			return key, nil
		}
	}
	return "", nil
}

// GetRequestMetadata is what goes with a call.
func (k Key) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	if k == "" {
		return nil, nil
	}
	return map[string]string{"authorization": "Bearer " + string(k)}, nil
}

// RequireTransportSecurity allows connections without TLS; Find has seen that they stay on this machine.
func (k Key) RequireTransportSecurity() bool { return false }

// madeWith reads the key that a cluster of this user's was started with: only from a file that no other user can read.
func madeWith(node string) Key {
	host, port := split(node)
	folder := os.Getenv("XDG_CONFIG_HOME")
	if !filepath.IsAbs(folder) {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		folder = filepath.Join(home, ".config")
	}
	if host == "" {
		return ""
	}
	path := filepath.Join(folder, "toolgate", "keys", strings.ReplaceAll(host, ":", "-")+"_"+port)
	found, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err == nil && !found.Mode().IsRegular() {
		err = errors.New("it is no file")
	}
	if err == nil && runtime.GOOS != "windows" && found.Mode().Perm()&0o077 != 0 {
		err = errors.New("other users have rights to it; chmod 600 takes them away")
	}
	var content []byte
	if err == nil {
		content, err = os.ReadFile(path)
	}
	if err != nil {
		log.Printf("the key file %s is not used: %v", path, err)
		return ""
	}
	return Key(strings.TrimSpace(string(content)))
}

// split gives the host and the port of a node on this machine, and nothing for one of another machine.
func split(node string) (host, port string) {
	host, port, err := net.SplitHostPort(node)
	if err != nil {
		return "", ""
	}
	if host == "localhost" {
		return "127.0.0.1", port
	}
	if address := net.ParseIP(host); address == nil || !address.IsLoopback() {
		return "", ""
	}
	return host, port
}
