package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"
)

const manLong = `Write the manual page of a command, or of fd3, in mdoc(7): the format that man
shows. scripts/man writes all of them into a folder.`

// man returns fd3 man.
func man() *cobra.Command {
	return &cobra.Command{
		Use:     "man [COMMAND]",
		Short:   "the manual page of a command",
		Long:    manLong,
		Example: "  fd3 man | man -l -\n  fd3 man bind | man -l -\n  fd3 man bind >fd3-bind.1",
		GroupID: "more",
		PreRunE: noEvents,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, c := range documented(cmd.Root()) {
				names = append(names, c.Name())
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			of := cmd.Root()
			if len(args) > 0 {
				all := documented(of)
				i := slices.IndexFunc(all, func(c *cobra.Command) bool { return c.Name() == args[0] })
				if i < 0 || len(args) > 1 {
					return usageError{fmt.Errorf("%q is no command of fd3. See: fd3 --help", strings.Join(args, " "))}
				}
				of = all[i]
			}
			return writeMan(cmd.OutOrStdout(), of, builtAt())
		},
	}
}

// documented returns the commands and the topics of fd3 help that have a page.
func documented(root *cobra.Command) []*cobra.Command {
	return slices.DeleteFunc(slices.Clone(root.Commands()), func(c *cobra.Command) bool {
		return c.Hidden || c.Name() == "help" || c.Name() == "completion"
	})
}

// builtAt returns the time of the source that fd3 was built from, or now if that is
// not known.
func builtAt() time.Time {
	info, _ := debug.ReadBuildInfo()
	if info != nil {
		for _, s := range info.Settings {
			if at, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				return at
			}
		}
	}
	return time.Now()
}

// writeMan writes the page of a command.
func writeMan(w io.Writer, cmd *cobra.Command, at time.Time) error {
	m := &manual{w: w}
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	m.macro("Dd", at.Format("January 2, 2006"))
	m.macro("Dt", strings.ToUpper(name), "1")
	m.macro("Os")
	m.macro("Sh", "NAME")
	m.macro("Nm", name)
	m.macro("Nd", cmd.Short)
	if cmd.Runnable() {
		m.macro("Sh", "SYNOPSIS")
		m.macro("Nm", cmd.CommandPath())
		m.synopsis(cmd)
	}
	m.macro("Sh", "DESCRIPTION")
	m.text(cmp.Or(cmd.Long, strings.ToUpper(cmd.Short[:1])+cmd.Short[1:]+"."))
	m.commands(cmd)
	m.options("OPTIONS", cmd.LocalNonPersistentFlags().FlagUsages())
	if cmd.Runnable() {
		m.options("GLOBAL OPTIONS", cmd.Root().PersistentFlags().FlagUsages())
	}
	if cmd == cmd.Root() {
		m.environment()
	}
	if cmd.Runnable() {
		m.exits()
	}
	if cmd.HasExample() {
		m.macro("Sh", "EXAMPLES")
		m.literal(strings.Split(cmd.Example, "\n"))
	}
	m.near(cmd)
	return m.err
}

// A manual is a page in the making. Its first error stays.
type manual struct {
	w   io.Writer
	err error
}

func (m *manual) line(s string) {
	if m.err == nil {
		_, m.err = io.WriteString(m.w, s+"\n")
	}
}

// macro writes a line that begins with a macro.
func (m *manual) macro(name string, args ...string) {
	line := "." + name
	for _, a := range args {
		line += " " + roff(a)
	}
	m.line(line)
}

// roff returns text in which nothing means anything to the formatter.
func roff(s string) string {
	var out strings.Builder
	for _, r := range s {
		switch {
		case r == '\\':
			out.WriteString(`\e`)
		case r > '~':
			fmt.Fprintf(&out, `\[u%04X]`, r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// synopsis writes the arguments of a command, as its usage has them.
func (m *manual) synopsis(cmd *cobra.Command) {
	m.macro("Op", "Ar", "flags")
	_, args, _ := strings.Cut(cmd.Use, " ")
	for _, arg := range strings.Fields(args) {
		name := strings.Trim(arg, "[].")
		more := strings.Contains(arg, "...")
		switch {
		case strings.HasPrefix(arg, "[") && more:
			m.macro("Op", "Ar", name, "...")
		case strings.HasPrefix(arg, "["):
			m.macro("Op", "Ar", name)
		default:
			m.macro("Ar", name)
		}
	}
}

// sentence ends one, and begins the next.
var sentence = regexp.MustCompile(`([.?!]) +`)

// text writes paragraphs. Lines that are indented stay as they are; in all others
// each sentence begins on a line of its own, as mdoc(7) wants it.
func (m *manual) text(text string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			m.macro("Pp")
		}
		m.paragraph(strings.Split(paragraph, "\n"))
	}
}

func (m *manual) paragraph(lines []string) {
	for len(lines) > 0 {
		code := strings.HasPrefix(lines[0], "  ")
		n := 1
		for n < len(lines) && strings.HasPrefix(lines[n], "  ") == code {
			n++
		}
		if code {
			m.literal(lines[:n])
		} else {
			m.sentences(strings.Join(lines[:n], " "))
		}
		lines = lines[n:]
	}
}

func (m *manual) sentences(text string) {
	for s := range strings.SplitSeq(sentence.ReplaceAllString(text, "$1\n"), "\n") {
		for line := range strings.SplitSeq(ansi.Wordwrap(s, 76, ""), "\n") {
			m.line(guarded(roff(line)))
		}
	}
}

// guarded keeps the formatter from taking a line of text for a macro.
func guarded(line string) string {
	if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
		return `\&` + line
	}
	return line
}

// literal writes lines that stay as they are, in what one types: a - stays a -.
func (m *manual) literal(lines []string) {
	m.macro("Bd", "-literal", "-offset", "indent")
	for _, line := range lines {
		m.line(guarded(strings.ReplaceAll(roff(strings.TrimPrefix(line, "  ")), "-", `\-`)))
	}
	m.macro("Ed")
}

// commands writes what the subcommands do, by group.
func (m *manual) commands(cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	m.macro("Sh", "COMMANDS")
	for _, group := range cmd.Groups() {
		m.macro("Ss", strings.TrimSuffix(group.Title, ":"))
		m.macro("Bl", "-tag", "-width", "setsockopt")
		for _, c := range cmd.Commands() {
			if c.GroupID == group.ID && !c.Hidden {
				m.macro("It", "Cm", c.Name())
				m.sentences(c.Short)
			}
		}
		m.macro("El")
	}
}

// optionLine is one of pflag's usages: an option, its argument, what it does.
var optionLine = regexp.MustCompile(`^ +(?:-(\w), )?(?:--)?(\S+)(?: (\S+))?   +(.*)$`)

func (m *manual) options(title, usages string) {
	if usages == "" {
		return
	}
	m.macro("Sh", title)
	m.macro("Bl", "-tag", "-width", "Ds")
	for line := range strings.SplitSeq(strings.TrimRight(usages, "\n"), "\n") {
		f := optionLine.FindStringSubmatch(line)
		if f == nil {
			m.err = cmp.Or(m.err, errors.New("no option: "+line))
			return
		}
		item := []string{"Fl", "-" + f[2]}
		if f[1] != "" {
			item = append([]string{"Fl", f[1], ",", "Fl"}, item[1:]...)
		}
		if f[3] != "" {
			item = append(item, "Ar", f[3])
		}
		m.macro("It", item...)
		m.sentences(f[4])
	}
	m.macro("El")
}

// environment writes what fd3 reads of its environment.
func (m *manual) environment() {
	m.macro("Sh", "ENVIRONMENT")
	m.macro("Bl", "-tag", "-width", "Ds")
	for _, v := range [][2]string{
		{"FD3_STAGE", "The stage to act on, where --stage names none."},
		{"XDG_RUNTIME_DIR", "Its folder fd3 has the control sockets of the stages."},
		{"XDG_STATE_HOME", "Its file fd3/tour.json keeps how far you are in the course."},
		{"NO_COLOR, CLICOLOR_FORCE", "No colours, or colours also where there is no terminal; --color goes before them."},
		{"COLUMNS", "The width where there is no terminal."},
	} {
		m.macro("It", "Ev", v[0])
		m.sentences(v[1])
	}
	m.macro("El")
}

// exits writes the exit codes.
func (m *manual) exits() {
	m.macro("Sh", "EXIT STATUS")
	m.macro("Bl", "-tag", "-width", "Ds")
	for _, e := range []struct {
		code int
		told string
	}{
		{exitOK, "It is done."},
		{exitFailed, "It failed; a line on stderr, or the lesson, says why."},
		{exitUsage, "The command was not understood."},
		{exitInterrupted, "It was interrupted; a call that waits goes on waiting."},
	} {
		m.macro("It", fmt.Sprint(e.code))
		m.sentences(e.told)
	}
	m.macro("El")
}

// near writes the pages that are near: of fd3 those of its commands, of a command
// that of fd3 and, since a step has the name of its system call, that of the call.
func (m *manual) near(cmd *cobra.Command) {
	m.macro("Sh", "SEE ALSO")
	var pages []string
	if cmd == cmd.Root() {
		for _, c := range documented(cmd) {
			pages = append(pages, "fd3-"+c.Name()+" 1")
		}
	} else {
		pages = append(pages, "fd3 1")
		if cmd.GroupID == lifeGroup {
			pages = append(pages, cmd.Name()+" 2")
		}
	}
	pages = append(pages, "ss 8", "strace 1", "socket 7")
	slices.SortFunc(pages, func(a, b string) int {
		return cmp.Or(strings.Compare(a[len(a)-1:], b[len(b)-1:]), strings.Compare(a, b))
	})
	for i, page := range pages {
		if i < len(pages)-1 {
			page += " ,"
		}
		m.macro("Xr", strings.Fields(page)...)
	}
}
