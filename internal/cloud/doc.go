// Package cloud keeps evidence in a bucket of a cloud: S3 (of AWS, or of any server that speaks it), Google Cloud Storage, Azure Blob Storage.
//
//	Open (URL -> what is asked, and whom) -> Bucket, an evidence.Bucket: Create once, Get, Size, List; Lock says what keeps objects from deletion
//	                                            -> server: one request of one cloud, by its own library (s3.go, google.go, azure.go)
//
// An object is created on the condition that there is none, so that of two writers one wins and the other sees what is there. Whether the server heeds
// that is tried before the first write; where it does not, an object is looked for before it is written, and read back after. Nothing is ever replaced
// or deleted.
//
// It knows neither Kubernetes nor a kind, and reads no clock. Credentials come from the environment, as the libraries find them; a URL holds none.
//
// The trade-off: three libraries, and not one over all clouds. That one would bring gRPC and its control plane along for Google's, and hide what is asked
// here: a condition, an error's name, a lock.
package cloud

import "time"

// How often a call is made that a busy server or a broken connection failed, and the pauses in between. A caller that waits ten seconds is to hear what
// the server says, not only that it took long.
const (
	tries                    = 3
	firstPause, longestPause = 200 * time.Millisecond, 2 * time.Second
)
