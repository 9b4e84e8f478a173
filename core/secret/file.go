package secret

import (
	"io/fs"
	"os"
	"runtime"
)

// Exposed reports whether a file with a secret can be read or changed by others than whom it is for:
// by others than its owner or, where that is somebody else, by others than the group that the owner
// gave it to, which may read it. Secrets come in that way on Kubernetes (fsGroup) and from systemd
// (LoadCredential). On Windows there are no such permissions to tell by.
//
// https://kubernetes.io/docs/tasks/configure-pod-container/security-context/#set-the-security-context-for-a-pod
// https://systemd.io/CREDENTIALS/
func Exposed(info os.FileInfo) bool {
	return runtime.GOOS != "windows" && exposed(info.Mode().Perm(), isOurs(info))
}

func exposed(mode fs.FileMode, ours bool) bool {
	if ours {
		return mode&0o077 != 0
	}
	return mode&0o037 != 0
}
