//go:build !linux

package evidence

import (
	"errors"
	"os"
)

// syncVolume: the manager runs on Linux; what else imports this package, such as the kubectl plugin, has no bucket.
func syncVolume(*os.File) error {
	return errors.New("buckets of files need Linux")
}
