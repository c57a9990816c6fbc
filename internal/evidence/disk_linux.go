package evidence

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncVolume syncs the whole file system that a folder is on.
func syncVolume(folder *os.File) error {
	return os.NewSyscallError("syncfs", unix.Syncfs(int(folder.Fd())))
}
