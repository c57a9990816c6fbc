// Package web holds the little HTTP that the demo's processes and tools share: JSON in, JSON out, and a server that stops
// when its context does.
package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// maxBody bounds what is read from either side; a journal page is the largest thing sent.
const maxBody = 8 << 20

type failure struct {
	Error string `json:"error"`
}

// WriteJSON answers with the value.
func WriteJSON(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	// The status is sent; a client that went away cannot be told anything more.
	_ = json.NewEncoder(w).Encode(value)
}

// Fail answers with a message that Do shows to the caller.
func Fail(w http.ResponseWriter, code int, message string) {
	WriteJSON(w, code, failure{Error: message})
}

// Read decodes the request's body into the value; an empty body leaves it as it is.
func Read(r *http.Request, value any) error {
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	return json.Unmarshal(data, value)
}

// Do sends the input as JSON, if there is any, and decodes the answer into the output, if it is wanted.
func Do(ctx context.Context, client *http.Client, method, url string, input, output any) error {
	var body io.Reader
	if input != nil {
		data, err := json.Marshal(input)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, url, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return refusal(method, url, response.Status, data)
	}
	if output == nil {
		return nil
	}
	if err := json.Unmarshal(data, output); err != nil {
		return fmt.Errorf("%s %s: answer is not the expected JSON: %w", method, url, err)
	}
	return nil
}

func refusal(method, url, status string, data []byte) error {
	var said failure
	if json.Unmarshal(data, &said) == nil && said.Error != "" {
		return fmt.Errorf("%s %s: %s: %s", method, url, status, said.Error)
	}
	return fmt.Errorf("%s %s: %s", method, url, status)
}

// Serve answers on the listener until the context ends; requests under way get half a second.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 500*time.Millisecond)
		defer cancel()
		if server.Shutdown(grace) != nil {
			_ = server.Close()
		}
	}()
	err := server.Serve(listener)
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-stopped
	return nil
}
