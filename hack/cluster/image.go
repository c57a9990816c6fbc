package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// imageOptions say what image to make of one static binary.
type imageOptions struct {
	name       string
	binary     string
	entrypoint string
	user       string
}

// loadImage puts a binary into the cluster as an image, or writes the archive.
func loadImage(ctx context.Context, options imageOptions, output string) error {
	if options.name == "" || options.binary == "" {
		return errors.New("load-image needs --name and --binary")
	}
	begin := time.Now()
	archive, err := imageArchive(options)
	if err != nil {
		return err
	}
	if output != "" {
		return os.WriteFile(output, archive, 0o644)
	}
	if err := requireRoot("loading an image"); err != nil {
		return err
	}
	if !accepts(ctx, "unix", containerdSocket) {
		return errors.New("the cluster is not running: start it with 'up' first")
	}
	if err := importImage(ctx, options.name, archive); err != nil {
		return err
	}
	progress("loaded %s (%d KiB, %s)", options.name, len(archive)>>10, seconds(time.Since(begin)))
	return nil
}

// importImage hands an archive to containerd and waits until the part of it
// that runs pods has seen the image: a pod made before would not find it.
func importImage(ctx context.Context, name string, archive []byte) error {
	if err := ctr(ctx, string(archive), "images", "import", "-"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	seen := func() bool {
		list, err := command(ctx, "ctr", "--address", containerdSocket, "-n", "k8s.io", "images", "list", "name=="+name)
		return err == nil && strings.Contains(list, "io.cri-containerd.image=managed")
	}
	if err := poll(ctx, 50*time.Millisecond, seen); err != nil {
		return fmt.Errorf("containerd has not taken up image %s: %w", name, err)
	}
	return nil
}

func ctr(ctx context.Context, input string, args ...string) error {
	return feed(ctx, input, "ctr", append([]string{"--address", containerdSocket, "-n", "k8s.io"}, args...)...)
}

// Media types and annotations of the image format.
const (
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	typeLayer    = "application/vnd.oci.image.layer.v1.tar"

	annotationName = "io.containerd.image.name"
	annotationRef  = "org.opencontainers.image.ref.name"
)

type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

func describe(mediaType string, content []byte) descriptor {
	sum := sha256.Sum256(content)
	return descriptor{MediaType: mediaType, Digest: "sha256:" + hex.EncodeToString(sum[:]), Size: len(content)}
}

// entry is one file or folder of an archive.
type entry struct {
	name    string
	mode    int64
	content []byte
	folder  bool
}

// imageArchive makes an OCI archive of an image with one layer. The same input
// gives the same bytes: no times, no machine's names.
func imageArchive(options imageOptions) ([]byte, error) {
	binary, err := readStatic(options.binary)
	if err != nil {
		return nil, err
	}
	entrypoint := options.entrypoint
	if entrypoint == "" {
		entrypoint = "/" + filepath.Base(options.binary)
	}
	if !filepath.IsAbs(entrypoint) {
		return nil, fmt.Errorf("the entry point %q must start with /", entrypoint)
	}
	layer, err := writeTar(layerEntries(binary, filepath.Clean(entrypoint), options.user))
	if err != nil {
		return nil, err
	}
	layerDescriptor := describe(typeLayer, layer)
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH,
		"os":           "linux",
		"config": map[string]any{
			"User":       options.user + ":" + options.user,
			"Entrypoint": []string{entrypoint},
			"Env":        []string{"PATH=/"},
			"WorkingDir": "/",
		},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{layerDescriptor.Digest}},
	})
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal(map[string]any{
		"schemaVersion": 2,
		"mediaType":     typeManifest,
		"config":        describe(typeConfig, config),
		"layers":        []descriptor{layerDescriptor},
	})
	if err != nil {
		return nil, err
	}
	manifestDescriptor := describe(typeManifest, manifest)
	manifestDescriptor.Annotations = map[string]string{annotationName: options.name, annotationRef: tag(options.name)}
	index, err := json.Marshal(map[string]any{
		"schemaVersion": 2, "mediaType": typeIndex, "manifests": []descriptor{manifestDescriptor},
	})
	if err != nil {
		return nil, err
	}
	entries := []entry{
		{name: "oci-layout", mode: 0o644, content: []byte(`{"imageLayoutVersion":"1.0.0"}`)},
		{name: "index.json", mode: 0o644, content: index},
	}
	for _, blob := range [][]byte{manifest, config, layer} {
		digest := strings.TrimPrefix(describe("", blob).Digest, "sha256:")
		entries = append(entries, entry{name: "blobs/sha256/" + digest, mode: 0o644, content: blob})
	}
	return writeTar(entries)
}

// tag is the part of an image's name after the colon; a colon before the last
// slash is that of a port.
func tag(name string) string {
	at := strings.LastIndexByte(name, ':')
	if at < 0 || at < strings.LastIndexByte(name, '/') {
		return "latest"
	}
	return name[at+1:]
}

// layerEntries are the files of the image: the program, a folder for temporary
// files, and the names of its users, which some libraries look up.
func layerEntries(binary []byte, entrypoint, user string) []entry {
	passwd := fmt.Sprintf("root:x:0:0:root:/:/none\nnonroot:x:%[1]s:%[1]s:nonroot:/tmp:/none\n", user)
	group := fmt.Sprintf("root:x:0:\nnonroot:x:%s:\n", user)
	entries := []entry{
		{name: "tmp/", mode: 0o1777, folder: true},
		{name: "etc/", mode: 0o755, folder: true},
		{name: "etc/passwd", mode: 0o644, content: []byte(passwd)},
		{name: "etc/group", mode: 0o644, content: []byte(group)},
	}
	path := strings.TrimPrefix(entrypoint, "/")
	for i, char := range path {
		if char == '/' {
			entries = append(entries, entry{name: path[:i+1], mode: 0o755, folder: true})
		}
	}
	return append(entries, entry{name: path, mode: 0o555, content: binary})
}

func writeTar(entries []entry) ([]byte, error) {
	var out bytes.Buffer
	writer := tar.NewWriter(&out)
	for _, e := range entries {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: e.name, Mode: e.mode,
			Size: int64(len(e.content)), ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
		}
		if e.folder {
			header.Typeflag = tar.TypeDir
		}
		if err := writer.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(e.content); err != nil {
			return nil, err
		}
	}
	err := writer.Close()
	return out.Bytes(), err
}

// readStatic reads a program and refuses one that needs libraries: the image
// has none, and the pod's error would only say "no such file".
func readStatic(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	program, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("%s is not a Linux program: %w", path, err)
	}
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_INTERP {
			return nil, fmt.Errorf("%s needs shared libraries; build it with CGO_ENABLED=0", path)
		}
	}
	return content, nil
}
