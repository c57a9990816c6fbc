// Package cloud keeps evidence in a bucket of S3, of a cloud or of any server that speaks it.
//
//	Open (URL -> what is asked, and whom) -> S3, an evidence.Bucket: Create once, Get, Size, List; Lock says what keeps objects from deletion
//
// An object is created with If-None-Match, so that of two writers one wins and the other sees what is there. Whether the server heeds that is tried
// before the first write; where it does not, an object is looked for before it is written, and read back after. Nothing is ever replaced or deleted.
//
// It knows neither Kubernetes nor a kind, and reads no clock. Credentials come from the environment, as the library finds them; a URL holds none.
//
// The trade-off: the library of S3 itself, and not one over several clouds. Each other cloud's library would weigh as much again in the program, and
// can be tried here against no server.
package cloud
