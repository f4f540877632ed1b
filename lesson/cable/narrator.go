package cable

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"sync"

	"fd3/lesson"
	"fd3/lesson/words"
	"fd3/sockets/netlab"
	"fd3/sockets/stage"
)

//go:embed cable.md
var text string

// page returns cable.md.
var page = sync.OnceValue(func() words.Page { return words.Read(text) })

// A Narrator tells of the network of a stage.
type Narrator struct {
	Stage   string // its name
	Explain lesson.Explain
	Bytes   bool // each packet is told byte by byte, and not in a line
	Show    func(lesson.Event)
	// Calls returns the calls that were made on the hosts, as far as they are known.
	Calls func(context.Context) ([]Call, error)
	// Complain hears of a value that the words name and nobody has told. A learner gets the
	// paragraph left out; a test fails.
	Complain func(error)

	keeper int // the process that the Events are about
}

// name is the step that the Events belong to.
const name = "wire"

func (n *Narrator) show(e lesson.Event) {
	e.Step, e.Process, e.PID = name, "network", n.keeper
	n.Show(e)
}

// say shows a section of the words, in the variant that fits.
func (n *Narrator) say(section string, values map[string]string, variants ...string) {
	raw, ok := page().Section(section, variants...)
	if !ok {
		n.complain(fmt.Errorf("cable.md has no section %q", section))
		return
	}
	filled, err := words.FillParagraphs(raw, values)
	if err != nil {
		n.complain(err)
	}
	if filled != "" {
		n.show(lesson.Event{Kind: lesson.KindText, Section: name, Text: filled})
	}
}

// commands shows a section that is a list of commands, to those who want to be told.
func (n *Narrator) commands(section, heading string, values map[string]string) {
	if n.Explain == lesson.None {
		return
	}
	raw, _ := page().Section(heading)
	items, err := words.Commands(raw, values)
	if err != nil {
		n.complain(err)
	}
	for _, item := range items {
		n.show(lesson.Event{Kind: lesson.KindText, Section: section, Command: item.Name, Text: item.Text})
	}
}

func (n *Narrator) complain(err error) {
	if n.Complain != nil {
		n.Complain(err)
	}
}

// Moved tells of a process of the stage that stood elsewhere and was ended for the
// network.
func (n *Narrator) Moved(role stage.Role, bye stage.Farewell) {
	n.say("moved", map[string]string{"role": string(role), "pid": fmt.Sprint(bye.PID)})
}

// Up tells of a network: what was made, and what it is good for.
func (n *Narrator) Up(network *netlab.Network, started, crashed bool) {
	n.keeper = network.PID
	values := map[string]string{"pid": fmt.Sprint(network.PID), "stage": n.Stage, "client": netlab.ClientAddr, "server": netlab.ServerAddr}
	n.show(lesson.Event{Kind: lesson.KindStep, Title: page().Title})
	if crashed {
		n.say("crashed", values)
	}
	timers := "real"
	if network.Calm {
		timers = "calm"
	}
	values["router"], values["router_mtu"] = netlab.RouterAddr, fmt.Sprint(network.RouterMTU)
	switch {
	case !started:
		n.say("already", values)
	case n.Explain != lesson.None:
		n.say("up", values)
	}
	for _, h := range network.Hosts {
		n.show(host(&network.State, h).Event())
	}
	if network.Router != nil {
		if started && n.Explain != lesson.None {
			n.say("router", values)
		}
		n.show(host(&network.State, *network.Router).Event())
	}
	if n.Explain == lesson.Full {
		n.say("timers", values, timers)
	}
	n.commands("next", "up next", values)
}

// Crashed tells that the network has ended, and what stood on it.
func (n *Narrator) Crashed() { n.say("crashed", nil, "alone") }

// host is the evidence of a host: the namespace that the kernel has for it.
func host(s *netlab.State, h netlab.Host) lesson.Evidence {
	_, path := s.Paths(&h)
	link, err := os.Readlink(path)
	if err != nil {
		link = fmt.Sprintf("net:[%d]", h.Inode)
	}
	return lesson.Evidence{Fact: h.Name + "'s host", Value: h.Addr + " on net0, in " + link, Source: path, Command: "fd3 on " + h.Name + " -- ip addr"}
}

// Ended tells of a process that has ended with the network.
func (n *Narrator) Ended(role stage.Role, bye stage.Farewell) {
	n.say("ended", map[string]string{"role": string(role), "pid": fmt.Sprint(bye.PID)})
}

// Down tells that the network is no more.
func (n *Narrator) Down(bye stage.Farewell) {
	n.keeper = bye.PID
	values := map[string]string{"pid": fmt.Sprint(bye.PID), "forced": bye.Forced}
	variant := ""
	if bye.Forced != "" {
		variant = "forced"
	}
	n.say("down", values, variant)
}

// Shell tells of a shell that begins on a host.
func (n *Narrator) Shell(h *netlab.Host) {
	n.say("shell", map[string]string{"host": h.Name, "addr": h.Addr}, h.Name)
}
