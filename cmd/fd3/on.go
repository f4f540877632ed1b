package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"fd3/lesson/cable"
	"fd3/lesson/serve"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
)

const onLong = `Run any program on a host of the network that fd3 wire up has made, as if it ran on
another machine: it has the host's address, its interface and its routes, and all
of this machine's files. Without a command it is a shell.

cable is the place between the hosts: two interfaces, each with the name of the host
that it leads to. There tcpdump(8) and tc(8) see what lies between. router is the router
that fd3 wire up --router has made.

It is what nsenter(1) does with the namespaces of the host, and it ends when the
network does. The exit code is the program's.`

// standpoints are where a program can run.
var standpoints = []string{netlab.Client, netlab.Server, netlab.AtCable, netlab.Router}

func (a *app) on() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "on client|server|cable|router [-- COMMAND...]",
		Short:   "run a program on a host of the network, or a shell",
		Long:    onLong,
		Example: "  fd3 on server -- ss -tan\n  fd3 on client -- curl -v http://10.0.0.2:8080/\n  fd3 on client\n  fd3 on cable -- tc -s qdisc",
		GroupID: wireGroup,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 || !slices.Contains(standpoints, args[0]) {
				return usageError{errors.New("on which host? fd3 on client, fd3 on server, fd3 on cable or fd3 on router, then -- and a command")}
			}
			return nil
		},
		ValidArgs: standpoints,
		RunE: func(cmd *cobra.Command, args []string) error {
			command := args[1:]
			switch {
			case len(command) == 0:
			case command[0] == "--":
				command = command[1:]
			case command[0] == "-h", command[0] == "--help":
				return cmd.Help()
			case strings.HasPrefix(command[0], "-"):
				return usageError{fmt.Errorf("%s is not a command. The flags of fd3 stand before the host: fd3 on %s %s", command[0], command[0], args[0])}
			}
			if len(command) > 0 {
				return a.runOn(stage.Role(args[0]), command)
			}
			return a.shellOn(stage.Role(args[0]))
		},
	}
	cmd.Flags().SetInterspersed(false) // the flags behind the host are the command's
	return cmd
}

// shellOn runs a shell on a host, whose prompt mostly does not tell where it is.
func (a *app) shellOn(on stage.Role) error {
	err := a.onWire(func(tell *cable.Narrator) error {
		host := a.network.Host(on)
		if host == nil {
			return errNoRouter
		}
		tell.Shell(host)
		return nil
	})
	if err != nil {
		return err
	}
	return a.runOn(on, []string{cmp.Or(os.Getenv("SHELL"), "/bin/sh")})
}

// A programExit is the exit code of a program that fd3 has run, which says why itself.
type programExit int

func (e programExit) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// runOn runs a command on a host until it ends, or the network does.
func (a *app) runOn(on stage.Role, command []string) error {
	network, err := netlab.Open(a.stage)
	if errors.Is(err, netlab.ErrNone) {
		return errNoNetwork(a.stage)
	} else if err != nil {
		return err
	}
	defer network.Close()
	nsenter, err := exec.LookPath("nsenter")
	if err != nil {
		return errors.New("nsenter is missing, which enters the namespaces of a host. It is in the package util-linux")
	}
	host := network.Host(on)
	if host == nil {
		return errNoRouter
	}
	users, net := network.Paths(host)
	args := []string{"--net=" + net}
	if users != "" {
		args = append(args, "--user="+users, "--preserve-credentials")
	}
	cmd := exec.Command(nsenter, append(append(args, "--"), command...)...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin") // root's tools, such as tc(8): who is on a host may use them
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
	// The terminal sends its signals to the program too, which decides what they mean.
	signal.Reset(unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	sent := make(chan os.Signal, 8)
	signal.Notify(sent, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGHUP)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	gone := network.Ended()
	for {
		select {
		case s := <-sent:
			if s == unix.SIGTERM || s == unix.SIGHUP {
				cmd.Process.Signal(s)
			}
		case <-gone:
			host.Clear()
			<-ended
			return errNetworkEnded
		case <-ended:
			err := programEnded(cmd.ProcessState)
			if !a.networkUp() {
				host.Clear() // what it has left there may have come onto the host when all others had been ended
				if err == programExit(128+int(unix.SIGKILL)) {
					return errNetworkEnded
				}
			}
			return err
		}
	}
}

var errNoRouter = errors.New("no router stands on this network. One is made with it: fd3 wire down, then fd3 wire up --router 600")

var errNetworkEnded = errors.New("the network has ended, and what ran on it")

// networkUp reports whether the network of the stage is up, be it too busy to answer.
func (a *app) networkUp() bool {
	network, err := netlab.Open(a.stage)
	if err == nil {
		network.Close()
	}
	return !errors.Is(err, netlab.ErrNone)
}

// programEnded returns nil, or the exit code of a program as a shell would have it.
func programEnded(s *os.ProcessState) error {
	status := s.Sys().(syscall.WaitStatus)
	switch {
	case status.Signaled():
		return programExit(128 + int(status.Signal()))
	case status.ExitStatus() != 0:
		return programExit(status.ExitStatus())
	}
	return nil
}

// hostHere is the host of the stage's network that this process runs on, or nil.
func (a *app) hostHere() *serve.Host {
	var here unix.Stat_t
	network, err := netlab.Open(a.stage)
	if err != nil {
		return nil
	}
	defer network.Close()
	if err := unix.Stat("/proc/self/ns/net", &here); err != nil {
		return nil
	}
	for i, h := range network.Hosts {
		if h.Inode == here.Ino {
			return &serve.Host{Name: h.Name, Addr: h.Addr, Other: network.Hosts[1-i].Name}
		}
	}
	return nil
}

// serveOn runs this very command on a host, which then is its own machine.
func (a *app) serveOn(cmd *cobra.Command, on string, args []string) error {
	host := map[string]string{netlab.Client: netlab.ClientAddr, netlab.Server: netlab.ServerAddr}[on]
	if host == "" {
		return usageError{fmt.Errorf("--on is client or server, not %q", on)}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	addr := []string{"--addr=" + host + ":8080"} // where --on stands, which is before any --
	if cmd.Flags().Changed("addr") {
		addr = nil
	}
	command := []string{self}
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "--on":
			i++
			command = append(command, addr...)
		case strings.HasPrefix(args[i], "--on="):
			command = append(command, addr...)
		default:
			command = append(command, args[i])
		}
	}
	return a.runOn(stage.Role(on), command)
}
