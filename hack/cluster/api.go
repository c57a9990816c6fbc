package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// apiClient asks the API server the few things that starting it needs, as the
// administrator.
type apiClient struct {
	http *http.Client
	err  error
}

func newAPIClient(l layout) apiClient {
	certificate, err := tls.LoadX509KeyPair(l.pki("admin.crt"), l.pki("admin.key"))
	if err != nil {
		return apiClient{err: err}
	}
	ca, err := os.ReadFile(l.pki("ca.crt"))
	if err != nil {
		return apiClient{err: err}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return apiClient{http: &http.Client{
		Timeout: 5 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{certificate}},
		},
	}}
}

func (c apiClient) get(ctx context.Context, path string) ([]byte, error) {
	if c.err != nil {
		return nil, c.err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, apiServerURL+path, nil)
	if err != nil {
		return nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, response.Status)
	}
	return body, nil
}

// check gives nil when the API server is ready.
func (c apiClient) check(ctx context.Context) error {
	_, err := c.get(ctx, "/readyz")
	return err
}

// nodeReady gives nil when the node is ready and tells why not otherwise. What
// the API server knows may be from a kubelet that has died since, so the
// kubelet must have been heard of since a given time.
func (c apiClient) nodeReady(ctx context.Context, since time.Time) error {
	body, err := c.get(ctx, "/api/v1/nodes/"+nodeName)
	if err != nil {
		return err
	}
	var node nodeObject
	if err := json.Unmarshal(body, &node); err != nil {
		return err
	}
	heard, err := node.ready()
	if err != nil {
		return err
	}
	// The API server keeps whole seconds. After the first report the kubelet
	// repeats it rarely, and renews a lease instead.
	since = since.Truncate(time.Second)
	if !heard.Before(since) {
		return nil
	}
	if renewed := c.leaseRenewed(ctx); renewed.After(heard) {
		heard = renewed
	}
	if heard.Before(since) {
		return fmt.Errorf("not ready: the kubelet was last heard of %s ago", seconds(time.Since(heard)))
	}
	return nil
}

// nodeObject is the part of a node that says whether it takes pods.
type nodeObject struct {
	Spec struct {
		Taints []struct{ Key string }
	}
	Status struct {
		Conditions []struct {
			Type, Status, Message string
			LastHeartbeatTime     time.Time
		}
	}
}

// ready gives the time of the report that says so.
func (n nodeObject) ready() (time.Time, error) {
	for _, taint := range n.Spec.Taints {
		return time.Time{}, fmt.Errorf("not ready: still marked %s", taint.Key)
	}
	for _, condition := range n.Status.Conditions {
		if condition.Type != "Ready" {
			continue
		}
		if condition.Status != "True" {
			return time.Time{}, fmt.Errorf("not ready: %s", condition.Message)
		}
		return condition.LastHeartbeatTime, nil
	}
	return time.Time{}, errors.New("not ready: the kubelet has not reported yet")
}

func (c apiClient) leaseRenewed(ctx context.Context) time.Time {
	body, err := c.get(ctx, "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/"+nodeName)
	if err != nil {
		return time.Time{}
	}
	var lease struct {
		Spec struct{ RenewTime time.Time }
	}
	_ = json.Unmarshal(body, &lease)
	return lease.Spec.RenewTime
}

// defaultAccount tells whether pods can be made: each needs its namespace's
// service account.
func (c apiClient) defaultAccount(ctx context.Context) error {
	_, err := c.get(ctx, "/api/v1/namespaces/default/serviceaccounts/default")
	return err
}

// dnsAnswers asks the cluster's name server for the API server's name.
func dnsAnswers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	resolver := net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(nodeIP, "53"))
		},
	}
	addresses, err := resolver.LookupHost(ctx, "kubernetes.default.svc."+clusterDomain+".")
	if err != nil {
		return err
	}
	if len(addresses) != 1 || addresses[0] != apiServiceIP {
		return fmt.Errorf("wrong answer %v", addresses)
	}
	return nil
}

// proxyReady asks kube-proxy whether its rules are in place.
func proxyReady(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:10256/healthz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}
