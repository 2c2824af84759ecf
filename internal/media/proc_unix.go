//go:build unix

package media

import (
	"os/exec"
	"runtime"
	"syscall"
)

// toolNice is how much the programs yield to everything else on the machine.
const toolNice = 10

// runGroup runs a program in a process group of its own, and ends the whole group when its
// context does.
func runGroup(cmd *exec.Cmd) error {
	// The kernel ends the program with the thread that started it, so the thread is kept.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithUs(cmd.SysProcAttr)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		return err
	}
	_ = syscall.Setpriority(syscall.PRIO_PGRP, cmd.Process.Pid, toolNice)
	return cmd.Wait()
}
