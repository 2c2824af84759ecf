//go:build !unix

package media

import "os/exec"

// runGroup runs a program, which is ended alone when its context ends: there are no groups here.
func runGroup(cmd *exec.Cmd) error { return cmd.Run() }
