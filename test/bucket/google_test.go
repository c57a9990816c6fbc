package bucket_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// googleVariable names the program of the server that does as Google Cloud Storage, as serverVariable does.
const googleVariable = "GCS_SERVER"

// What the tests' cluster would give a pod, and what it is exchanged for.
const (
	podToken    = "token-of-the-pod"
	accessToken = "token-of-the-bucket"
)

// googleKind is a server that does as Google Cloud Storage, behind the identity of a workload.
var googleKind = kind{
	name: "Google", serves: servesGoogle,
	url: func(endpoint, folder string) string {
		return "gs://" + bucketName + folder + "?endpoint=" + url.QueryEscape(endpoint)
	},
	writes: func(r *http.Request) bool {
		return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Query().Get("name"), key)
	},
	reads: func(r *http.Request) bool {
		return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, key) && r.URL.Query().Get("alt") == "media"
	},
	says:    sayJSON,
	secrets: []string{podToken, accessToken},
	onlyNew: func(r *http.Request) bool { return r.URL.Query().Get("ifGenerationMatch") == "0" },
	unknown: "notImplemented",
	ignores: func(*testing.T, string) fault {
		return func(_ http.ResponseWriter, r *http.Request, _ http.Handler) bool {
			query := r.URL.Query()
			query.Del("ifGenerationMatch")
			r.URL.RawQuery = query.Encode()
			return false
		}
	},
	remove: func(t *testing.T, endpoint string) {
		if code := asked(t, http.MethodDelete, endpoint+"/storage/v1/b/"+bucketName, ""); code != http.StatusOK {
			t.Fatalf("delete the bucket: %d", code)
		}
	},
}

// servesGoogle starts a server of the test's own on loopback, with an empty bucket, and gives the test the identity of a workload. Requests without
// its token do not reach the server.
func servesGoogle(t *testing.T) string {
	t.Helper()
	program := os.Getenv(googleVariable)
	if program == "" {
		t.Skipf("%s names no server of Google Cloud Storage; make test builds one and runs this", googleVariable)
	}
	identity(t, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("subject_token") != podToken {
			t.Errorf("another token is exchanged: %s", r.FormValue("subject_token"))
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token":"` + accessToken + `","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"Bearer","expires_in":3600}`))
	})
	address := free(t)
	_, port, _ := strings.Cut(address, ":")
	runs(t, program, "-scheme", "http", "-host", "127.0.0.1", "-port", port, "-backend", "memory", "-public-host", address, "-log-level", "error")
	for begin := time.Now(); asked(t, http.MethodPost, "http://"+address+"/storage/v1/b?project=tests", `{"name":"`+bucketName+`"}`) != http.StatusOK; {
		if time.Since(begin) > time.Minute {
			t.Fatal("the server of Google Cloud Storage does not serve")
		}
	}
	return through(t, "http://"+address, func(w http.ResponseWriter, r *http.Request, _ http.Handler) bool {
		if r.Header.Get("Authorization") == "Bearer "+accessToken || r.Method == http.MethodDelete { // which only the test asks for
			return false
		}
		sayJSON(w, http.StatusUnauthorized, "authError")
		return true
	})
}

// identity gives the test the identity of a workload: a token of its cluster, and a server that exchanges it.
func identity(t *testing.T, exchanges http.HandlerFunc) {
	t.Helper()
	server := httptest.NewServer(exchanges)
	t.Cleanup(server.Close)
	folder := t.TempDir()
	token, file := filepath.Join(folder, "token"), filepath.Join(folder, "credentials.json")
	credentials, err := json.Marshal(map[string]any{
		"type": "external_account", "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/tests/providers/tests",
		"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": server.URL, "credential_source": map[string]string{"file": token},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{token: []byte(podToken), file: credentials} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
}

// asked is the code of an answer to the test itself; 0: there is none.
func asked(t *testing.T, method, url, body string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer func() { _ = answer.Body.Close() }()
	return answer.StatusCode
}

func sayJSON(w http.ResponseWriter, code int, name string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{
		"code": code, "message": "by the test", "errors": []any{map[string]string{"reason": name, "message": "by the test"}},
	}})
}
