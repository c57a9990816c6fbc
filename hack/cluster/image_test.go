package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// buildStatic builds the pause program: a static binary like those that
// load-image is for.
func buildStatic(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	build := exec.Command("go", "build", "-o", path, "./pause")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return path
}

func readTar(t *testing.T, archive []byte) (map[string]*tar.Header, map[string][]byte) {
	t.Helper()
	headers, contents := map[string]*tar.Header{}, map[string][]byte{}
	reader := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return headers, contents
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		headers[header.Name], contents[header.Name] = header, content
	}
}

func TestImageArchive(t *testing.T) {
	binary := buildStatic(t)
	options := imageOptions{name: "localhost/strategy-operator:dev", binary: binary, entrypoint: "/usr/bin/operator", user: "65532"}
	archive, err := imageArchive(options)
	if err != nil {
		t.Fatal(err)
	}
	_, files := readTar(t, archive)

	blob := func(d descriptor) []byte {
		t.Helper()
		content := files["blobs/sha256/"+strings.TrimPrefix(d.Digest, "sha256:")]
		if again := describe(d.MediaType, content); again.Digest != d.Digest || again.Size != d.Size {
			t.Fatalf("blob %s of %d bytes is %s of %d bytes", d.Digest, d.Size, again.Digest, again.Size)
		}
		return content
	}
	parse := func(content []byte, into any) {
		t.Helper()
		if err := json.Unmarshal(content, into); err != nil {
			t.Fatal(err)
		}
	}
	var index struct{ Manifests []descriptor }
	parse(files["index.json"], &index)
	if got := index.Manifests[0].Annotations[annotationName]; got != options.name {
		t.Errorf("the image is named %q", got)
	}
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	parse(blob(index.Manifests[0]), &manifest)
	var config struct {
		Config struct {
			User       string
			Entrypoint []string
		}
		RootFS struct {
			DiffIDs []string `json:"diff_ids"`
		}
	}
	parse(blob(manifest.Config), &config)
	if config.Config.User != "65532:65532" || config.Config.Entrypoint[0] != "/usr/bin/operator" {
		t.Errorf("the image runs %v as %s", config.Config.Entrypoint, config.Config.User)
	}
	if config.RootFS.DiffIDs[0] != manifest.Layers[0].Digest {
		t.Error("the layer that the configuration names is not the one in the manifest")
	}

	checkLayer(t, blob(manifest.Layers[0]), binary)
}

func checkLayer(t *testing.T, archive []byte, binary string) {
	t.Helper()
	headers, layer := readTar(t, archive)
	want, err := os.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(layer["usr/bin/operator"], want) {
		t.Error("the program in the layer is not the given one")
	}
	if headers["usr/bin/operator"].Mode != 0o555 || headers["tmp/"].Mode != 0o1777 {
		t.Error("wrong modes in the layer")
	}
	for _, folder := range []string{"usr/", "usr/bin/", "etc/"} {
		if headers[folder] == nil || headers[folder].Typeflag != tar.TypeDir {
			t.Errorf("no folder %s", folder)
		}
	}
	if !strings.Contains(string(layer["etc/passwd"]), "nonroot:x:65532:65532:") {
		t.Error("the user has no name")
	}
}

func TestImageArchiveIsDeterministic(t *testing.T) {
	options := imageOptions{name: "localhost/a:b", binary: buildStatic(t), user: "65532"}
	first, err := imageArchive(options)
	if err != nil {
		t.Fatal(err)
	}
	second, err := imageArchive(options)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("the same binary gave two archives")
	}
}

func TestImageArchiveRefuses(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		options imageOptions
		says    string
	}{
		"script":               {imageOptions{binary: script}, "not a Linux program"},
		"needs libraries":      {imageOptions{binary: "/bin/ls"}, "CGO_ENABLED=0"},
		"missing":              {imageOptions{binary: script + "-none"}, "no such file"},
		"relative entry point": {imageOptions{binary: buildStatic(t), entrypoint: "x"}, "must start with /"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := imageArchive(c.options)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an error with %q", err, c.says)
			}
		})
	}
}

func TestTag(t *testing.T) {
	for name, want := range map[string]string{
		"localhost/a:dev": "dev", "a": "latest", "localhost:5000/a": "latest", "localhost:5000/a:b": "b",
	} {
		if got := tag(name); got != want {
			t.Errorf("tag(%q) = %q, want %q", name, got, want)
		}
	}
}
