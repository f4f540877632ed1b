package step

import "fd3/sockets/stage"

// A plan is what a step is to be prepared on: who takes it, with which options,
// what the kernel says now, and the steps that this command has already taken for
// the purpose.
type plan struct {
	role stage.Role
	opts Options
	now  sight
	made map[todo]bool

	addressed bool // the learner says where the message of the wanted step goes
}

// missing returns the first step that has to be taken before t makes sense.
func (p plan) missing(t todo) (todo, bool) {
	if t.step.Needs == nil || p.opts.FD != Fitting {
		return todo{}, false
	}
	p.role = t.role
	return t.step.Needs(p)
}

// first returns the first step on the way to a step and with it.
func (p plan) first(name string, role stage.Role) (todo, bool) {
	t := todo{named(name), role}
	if before, missing := p.missing(t); missing {
		return before, true
	}
	return t, true
}

// nothing says that no step is missing.
func nothing() (todo, bool) { return todo{}, false }

func (p plan) has(role stage.Role, is kind) bool {
	_, ok := p.now.last(role, is)
	return ok
}

func (p plan) madeBy(name string, role stage.Role) bool { return p.made[by(role, name)] }

// by returns the step of a name, taken by a party.
func by(role stage.Role, name string) todo { return todo{named(name), role} }

// socket needs a socket that is in no conversation yet.
func (p plan) socket() (todo, bool) {
	if !p.has(p.role, quiet) {
		return p.first("socket", p.role)
	}
	return nothing()
}

// bound needs such a socket with an address.
func (p plan) bound() (todo, bool) {
	if x, ok := p.now.last(p.role, quiet); ok && x.Bound() {
		return nothing()
	}
	return p.first("bind", p.role)
}

// talk needs a connection. Where this command made the connection itself, it also
// takes the steps of a conversation that come before: so recv has something to
// read.
func (p plan) talk(before ...todo) (todo, bool) {
	if p.role == client {
		if !p.has(client, conversation) {
			return p.first("connect", client)
		}
		if p.madeBy("connect", client) {
			return p.untaken(before)
		}
		return nothing()
	}
	if p.has(server, conversation) {
		if p.madeBy("accept", server) && p.madeBy("connect", client) {
			return p.untaken(before)
		}
		return nothing()
	}
	if x, ok := p.now.last(server, quiet); ok && receiver(x) {
		return nothing()
	}
	if t, missing := p.waiting(); missing {
		return t, true
	}
	return p.first("accept", server)
}

func (p plan) untaken(steps []todo) (todo, bool) {
	for _, t := range steps {
		if !p.made[t] {
			return t, true
		}
	}
	return nothing()
}

// waiting needs a client in the accept queue.
func (p plan) waiting() (todo, bool) {
	x, ok := p.now.last(server, listening)
	if !ok {
		return p.first("listen", server)
	}
	if q, _ := p.now.queue(server, x); q.Waiting == 0 && !p.madeBy("connect", client) {
		return p.first("connect", client)
	}
	return nothing()
}
