/*
 * limit ADDRESS PORT ANSWER is the least that a server on one CPU can do: with
 * each request one recv(2), a search for the empty line, and one send(2) of the
 * bytes in the file ANSWER. scripts/bench fills that with the very answer of fd3,
 * so that both send the same fields.
 *
 * What it does not do, and the others do: it does not read the method, the target
 * or a field except "Connection: close", which has to be spelled so; its Date is
 * as old as the process; it has no timeouts, and a client that sends half of a
 * request and no more, or does not take its answers, is dropped.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BACKLOG = 4096,
	EVENTS = 512,
	REQUESTS = 1 << 16, /* bytes of one recv */
	PIPELINE = 1024,    /* answers of one send, at most */
};

static char *answers; /* PIPELINE times the answer */
static size_t answer;
static char requests[REQUESTS];

static void die(const char *what)
{
	fprintf(stderr, "limit: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* serve answers what has arrived, and tells whether the connection goes on. */
static int serve(int fd)
{
	ssize_t n = recv(fd, requests, sizeof requests, 0);
	if (n < 0)
		return errno == EAGAIN;
	size_t count = 0;
	char *at = requests, *end = requests + n, *blank;
	int last = 0;
	while (!last && count < PIPELINE && (blank = memmem(at, end - at, "\r\n\r\n", 4))) {
		last = memmem(at, blank + 2 - at, "\r\nConnection: close\r\n", 21) != NULL;
		at = blank + 4;
		count++;
	}
	if (at != end || count == 0) /* also at the end of the stream */
		return 0;
	return send(fd, answers, count * answer, MSG_NOSIGNAL) == (ssize_t)(count * answer) && !last;
}

/* welcome accepts all who wait and reads at once: what there is to read came
 * with the handshake's end, as TCP_DEFER_ACCEPT promises. A connection for one
 * request never gets to epoll. */
static void welcome(int epoll, int listener)
{
	int fd;
	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
		if (!serve(fd) || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) < 0)
			close(fd);
	}
}

static void load(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *one = malloc(REQUESTS);
	if (!f || !one || (answer = fread(one, 1, REQUESTS, f)) == 0)
		die(path);
	fclose(f);
	if (!(answers = malloc(PIPELINE * answer)))
		die("malloc");
	for (size_t i = 0; i < PIPELINE; i++)
		memcpy(answers + i * answer, one, answer);
	free(one);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
		fprintf(stderr, "usage: limit ADDRESS PORT ANSWER\n");
		return 2;
	}
	to.sin_port = htons(atoi(argv[2]));
	load(argv[3]);

	int one = 1;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
	    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0 ||
	    setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &one, sizeof one) < 0 ||
	    bind(listener, (struct sockaddr *)&to, sizeof to) < 0 || listen(listener, BACKLOG) < 0)
		die(argv[2]);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event e = {.events = EPOLLIN, .data.fd = listener};
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e) < 0)
		die("epoll");

	static struct epoll_event ready[EVENTS];
	for (;;) {
		int n = epoll_wait(epoll, ready, EVENTS, -1);
		if (n < 0 && errno != EINTR)
			die("epoll_wait");
		for (int i = 0; i < n; i++) {
			int fd = ready[i].data.fd;
			if (fd == listener)
				welcome(epoll, listener);
			else if (!serve(fd))
				close(fd);
		}
	}
}
