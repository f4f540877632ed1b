package main

import "github.com/spf13/cobra"

// jsonTopic is fd3 help json: the contract of --json.
func jsonTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "json",
		Short: "The fields of --json",
		Long: `With --json fd3 writes one event a line. A field that says nothing is left out.
Fields are only ever added; those that are there keep their meaning.

every event
  kind         step, text, enter, return, argument, bytes, evidence, process,
               socket, connection, request, load, end, lesson, setup, choice,
               verdict
  step         the step that it belongs to: socket, bind, listen, ...
  process      whose: server or client; fd3 for calls of its own
  pid          of that process
  recap        true: the step is a prerequisite

step           a step begins
  title, life  its title; the steps of this end's life in their order
text           words
  section      born, before, meaning, errno, try, next, blocked, left, busy, ...;
               tour: question, predict, experiment, step, explain, exercise, hint,
               done, recap, references, failed, tour, now; explain: word
  text         Markdown
  command      try, next: what to type
enter, return  a system call is entered, has returned
  name, args   its name; for each argument the name in the manual and the value
  fd           the descriptor that it acts on
  strace       the line as strace(1) prints it
  c, go        the statement that makes the same call
  ret          return: what it gave back, -1 when it failed
  errno, errno_name, errno_text
               return: the number, the symbol, strerror(3), when it failed
  result       return: the end of the strace line, after the =
  duration_ns  return: time inside the call; took: the same for a reader
  unseen       return: true when no command was waiting for it any more
argument       name, value, text (Markdown)
bytes          title; form: struct or message; data (base64); spans: name, start, end, value; text
evidence       one fact, read back from the kernel
  fact, value  what it is about, and what the kernel said
  source       where it was read: getsockname(2), /proc/PID/fd, sock_diag(7), ...
  command      the shell command that shows the same
  text         what it means (Markdown)
  have, full   how much of how much, where there is a bar
process        status: a process; title, text
socket         status: one of its sockets; fd, value, text, source, command
connection     serve: what follows is about this one; connection (its number),
               fd, peer, loop, thread
request        serve: a request has its answer; connection, fd, peer, request,
               status, value (the status in words), length, text (why)
load           serve: what each loop did in the last second; loads: loop,
               connections, requests, bytes, listener, queue, backlog
end            serve: the server has ended; text
lesson         tour: a lesson begins; step (its name), title, text (what it asks),
               life (all lessons); lessons: value (here, finished)
setup          tour: calls that only prepare; text, calls: process, pid, strace
choice         tour: an answer that may be predicted; name, text
verdict        tour: the kernel's answer; name, title, text; predicted, value,
               right

Example:
  fd3 socket --json | jq -r 'select(.kind == "return") | .strace'`,
	}
}
