// Package serve is what the servers of the manager have in common: a listener with TLS and bounds (Listener), who calls and whether they may, as
// the API server says (Gate), and a place for each request at work (Room).
//
//	connection -> Listener -> a server's own ServeHTTP -> Gate (who? may they?) -> Room -> its work
//
// It knows neither a kind nor what a server does, and imports neither controllers nor a server.
//
// The trade-off: answers of the API server are remembered for 30 seconds, so that a storm of requests is not one for it, too; a token or a right
// that is taken back is worth something for so long.
package serve
