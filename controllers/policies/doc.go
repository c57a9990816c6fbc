// Package policies knows whether the admission policies that are installed are those that the operator was built with, and since when.
//
// A refused forgery proves one sentence of one policy. The rest is read and compared, field by field, with what is compiled in. What is the
// same now may have been away an hour ago, while somebody decided: so each policy has a time since when it is as it is, and a decision that
// is older is nobody's. UID and generation tell a policy that was put back from one that was always there; managedFields prove nothing.
//
// Times of policies that were changed (a creation time is not theirs) are kept in a ConfigMap in the operator's own namespace, or a restart
// would make every waiting decision worthless.
package policies
