package cloud

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Lock is what keeps objects of a bucket from being deleted or replaced, by anybody.
type Lock struct {
	Mode string // GOVERNANCE (some may lift it) or COMPLIANCE (nobody may); empty: nothing does
	For  string // how long, e.g. 1825 days
}

// String is for people.
func (l Lock) String() string {
	if l.Mode == "" {
		return "nothing keeps its objects from being deleted"
	}
	return fmt.Sprintf("its objects are locked (%s) for %s", l.Mode, l.For)
}

// Lock asks what is set for all new objects. An error says that it is not known: that is not a no.
func (b *S3) Lock(ctx context.Context) (Lock, error) {
	answer, err := b.client.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: &b.bucket})
	switch {
	case codeOf(err) == "ObjectLockConfigurationNotFoundError":
		return Lock{}, nil
	case err != nil:
		return Lock{}, fmt.Errorf("ask the evidence bucket for its object lock: %w", short(err))
	case answer.ObjectLockConfiguration == nil || answer.ObjectLockConfiguration.Rule == nil || answer.ObjectLockConfiguration.Rule.DefaultRetention == nil:
		return Lock{}, nil // it may be locked, and is not
	}
	retention := answer.ObjectLockConfiguration.Rule.DefaultRetention
	found := Lock{Mode: string(retention.Mode)}
	switch {
	case retention.Days != nil:
		found.For = fmt.Sprintf("%d days", *retention.Days)
	case retention.Years != nil:
		found.For = fmt.Sprintf("%d years", *retention.Years)
	default:
		return Lock{}, nil
	}
	return found, nil
}
