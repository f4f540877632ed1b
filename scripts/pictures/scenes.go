package main

import "time"

// scenes are the pictures that there are.
var scenes = []scene{
	{
		name: "demo", title: "A part of the tour: a prediction is made, a server and its clients make one call after the other, and the drawing shows what the kernel has",
		columns: 112, rows: 37, moves: true,
		command: `fd3 tour listen/full --record "$CAST"`,
		keys: []key{
			{sees: `WHAT DO YOU THINK`, reads: 5 * time.Second, press: "1"},
			{sees: `You say 1`, reads: time.Second, press: " "},
			{sees: `Space (make the step|go on|read on)`, reads: 2 * time.Second, press: " ", until: `WHAT DO YOU READ`},
			{sees: `WHAT DO YOU READ`, reads: 2 * time.Second, press: "2"},
			{sees: `You read: 2`, reads: time.Second, press: "\r"},
			{sees: `Space (go on|read on)`, reads: time.Second, press: " ", until: `THE ANSWER`},
			{sees: `THE ANSWER`, reads: 5 * time.Second, press: "q"},
		},
	},
	{
		name: "tour", title: "A lesson of the tour: beside the text are the server and the client with what each has open, and a connection that is closed in one direction",
		columns: 112, rows: 27,
		command: "fd3 tour close/half",
		keys: []key{
			{sees: `WHAT DO YOU THINK`, press: "s"},
			{sees: `Space (make the step|go on|read on)`, reads: time.Second, press: " ", until: `CLOSE_WAIT`},
			{sees: `Space`, reads: time.Second, press: "q"},
		},
	},
	{
		name: "recv", title: "fd3 recv: the call as strace, C and Go write it, the bytes of the request with a name for each token, and what the kernel says",
		columns: 96, rows: 90, until: "WHAT IT MEANS",
		before: `fd3 bind 127.0.0.1:0; fd3 listen --backlog 2; fd3 connect; fd3 send --client; fd3 accept`, command: "fd3 recv",
	},
	{
		name: "status", title: "fd3 status: four clients, an accept queue with a backlog of one that holds two of them and is full, and two whose SYN is dropped",
		columns: 96, rows: 40, until: "As a list",
		before: `fd3 bind 127.0.0.1:0; fd3 listen --backlog 1; fd3 connect --count 4`, command: "fd3 status",
	},
}
