// Command functions makes the table by which fd3 path knows which source file defines a
// function of the kernel, from a kernel's source:
//
//	apt-get download linux-source-6.12 && dpkg-deb -x linux-source-6.12*.deb x
//	tar -xf x/usr/src/linux-source-6.12.tar.xz
//	go run ./scripts/functions linux-source-6.12
//
// A name that several files define is left out: from the name alone nobody can tell which
// of them was meant. What a header says does not count beside a .c file: mostly it is what
// stands there when the option is off.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// table is where the table goes.
const table = "sockets/path/functions.txt"

// folders are those that a call on a socket of the internet or of one machine may go
// through.
var folders = []string{
	"arch/x86/entry", "arch/arm64/kernel", "drivers/net/loopback.c", "drivers/net/veth.c", "drivers/net/tun.c", "drivers/net/virtio_net.c", "drivers/net/dummy.c", "drivers/net/ifb.c",
	"fs", "include/linux", "include/net", "kernel", "lib", "mm", "net", "security",
}

// strangers are folders below with nothing on that way.
var strangers = regexp.MustCompile(`^(fs/[^/]+/|kernel/(debug|gcov|kcsan|livepatch|power|rcu|trace)/|lib/(crypto|kunit|math|raid6|tests?|xz|zlib_.*|zstd|lz4|lzo)/|net/(6lowpan|802|8021q|9p|appletalk|atm|ax25|batman-adv|bluetooth|bpf|caif|can|ceph|dccp|decnet|dsa|ethtool|hsr|ieee802154|iucv|kcm|l2tp|lapb|llc|mac80211|mac802154|mctp|ncsi|netrom|nfc|openvswitch|phonet|psample|qrtr|rds|rfkill|rose|rxrpc|sctp|shaper|smc|strparser|sunrpc|tipc|vmw_vsock|wireless|x25|xdp)/)|/(tests?|kunit)/|[_-](test|kunit)\.c$`)

// The heads of definitions: at the beginning of a line, with what the function returns
// before it or in the line above; a system call; an entry in assembler.
var (
	head    = regexp.MustCompile(`(?m)^(?:[A-Za-z_][\w \t*]*[ \t*])?([A-Za-z_]\w+)\(`)
	syscall = regexp.MustCompile(`(?m)^SYSCALL_DEFINE\d\((\w+)`)
	symbol  = regexp.MustCompile(`SYM_\w*(?:START|INNER_LABEL)\w*\((\w+)`)
	noHead  = regexp.MustCompile(`^(return|else|goto|if|while|for|switch|sizeof|define|typedef)$`)
	marks   = regexp.MustCompile(`^(\s*__\w+(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?)*\s*\{`) // such as __releases(&sk->lock)
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run ./scripts/functions SOURCE")
	}
	source := os.Args[1]
	in := make(map[string]map[string]bool) // a function's files
	for _, folder := range folders {
		err := filepath.WalkDir(filepath.Join(source, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			name, _ := filepath.Rel(source, path)
			if ext := filepath.Ext(name); ext != ".c" && ext != ".h" && ext != ".S" || strangers.MatchString(name) {
				return nil
			}
			text, err := os.ReadFile(path)
			for _, f := range defined(string(text)) {
				if in[f] == nil {
					in[f] = make(map[string]bool)
				}
				in[f][name] = true
			}
			return err
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	file := make(map[string]string) // a function's
	several := 0
	for f, files := range in {
		if len(files) > 1 {
			maps.DeleteFunc(files, func(name string, _ bool) bool { return strings.HasSuffix(name, ".h") })
		}
		if len(files) != 1 {
			several++
			continue
		}
		for name := range files {
			file[f] = name
		}
	}
	files := slices.Compact(slices.Sorted(maps.Values(file)))
	out, err := os.Create(table)
	if err != nil {
		log.Fatal(err)
	}
	text := bufio.NewWriter(out)
	fmt.Fprintln(text, version(source))
	fmt.Fprintln(text, strings.Join(files, "\n"))
	fmt.Fprintln(text)
	for _, f := range slices.Sorted(maps.Keys(file)) {
		at, _ := slices.BinarySearch(files, file[f])
		fmt.Fprintln(text, f, at)
	}
	if err := errors.Join(text.Flush(), out.Close()); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: Linux %s, %d functions in %d files; %d names stand in several files\n", table, version(source), len(file), len(files), several)
}

// defined returns the functions that a source file defines.
func defined(text string) []string {
	var all []string
	for _, at := range head.FindAllStringSubmatchIndex(text, -1) {
		name := text[at[2]:at[3]]
		if noHead.MatchString(name) || strings.HasPrefix(text[at[0]:], "#") {
			continue
		}
		if end := closing(text, at[1]); end >= 0 && marks.MatchString(text[end:min(end+200, len(text))]) {
			all = append(all, name)
		}
	}
	for _, m := range syscall.FindAllStringSubmatch(text, -1) {
		all = append(all, "__x64_sys_"+m[1], "__arm64_sys_"+m[1], "__se_sys_"+m[1], "__do_sys_"+m[1])
	}
	for _, m := range symbol.FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	return all
}

// closing returns where the parenthesis ends that is open at a place, or -1.
func closing(text string, at int) int {
	for depth := 1; at < len(text); at++ {
		switch text[at] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return at + 1
			}
		case ';', '{':
			return -1
		}
	}
	return -1
}

// version reads which kernel the source is of.
func version(source string) string {
	text, err := os.ReadFile(filepath.Join(source, "Makefile"))
	if err != nil {
		log.Fatal(err)
	}
	var parts []string
	for _, key := range []string{"VERSION", "PATCHLEVEL", "SUBLEVEL"} {
		m := regexp.MustCompile(`(?m)^` + key + ` = (\d+)`).FindSubmatch(text)
		if m == nil {
			log.Fatalf("%s/Makefile has no %s", source, key)
		}
		parts = append(parts, string(m[1]))
	}
	return strings.Join(parts, ".")
}
