package media

import "syscall"

// dieWithUs has the kernel end the program when this one is killed.
func dieWithUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
