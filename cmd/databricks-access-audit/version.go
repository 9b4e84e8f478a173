package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"
)

// release is set by the linker for released builds.
var release = ""

// version is the release, or what the build information says of the module.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "0.1.0-dev"
}

func printVersion(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s %s (%s %s/%s)\n", name, version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

func versionCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:   "version",
		Usage:  "print the version",
		Action: func(*cli.Context) error { return printVersion(s.out) },
	}
}
