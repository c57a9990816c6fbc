// Package attack is what must be refused, as tables: who does what, and what the API server answers. The roles, the policies and the users
// are those that are shipped. test/api plays the tables on its API server.
//
// Beside each attack stands what looks like it and must go on: a policy that refuses everything would pass otherwise.
package attack
