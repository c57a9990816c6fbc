// Package namespaces says where the operator works, and reads there: each served namespace has a reader (a cache) of its own,
// which begins and ends while the manager runs. So a right that is missing in one namespace concerns that one alone.
//
// The trade-off: nothing of a served namespace is read before its reader is in sync, so its objects wait for that, and a
// manager that takes over as the leader fills its readers first. In return nobody else's RoleBinding is ever waited for.
//
// It must not import controllers, which stands above it, and knows nothing of what is done in a namespace.
package namespaces
