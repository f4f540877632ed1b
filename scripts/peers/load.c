/*
 * load asks a server for one resource, over and over, from one CPU, and checks
 * every answer: status 200, and exactly the content that was announced and
 * expected. Anything else ends it with an error.
 *
 *   load -p PID[,PID...] [-c CONNECTIONS] [-s SECONDS] [-d DEPTH | -n | -i] [-b]
 *        ADDRESS PORT PATH LENGTH
 *
 * The processes PID are the server; -s is what is measured, after half a second
 * to get warm. There are three kinds of load:
 *
 *   -d  Kept connections, each with DEPTH requests at a time (1 unless told): all
 *       in one send(2), the next when all are answered. One loop of epoll(7).
 *   -n  A new connection for every request. Opening one costs the client more than
 *       answering it costs a good server, since on loopback the client's CPU does
 *       the whole handshake. So the server is stopped (SIGSTOP) while CONNECTIONS
 *       are opened and asked on, and what is timed is how long it takes, from
 *       SIGCONT, until all are answered and closed by the server.
 *   -i  CONNECTIONS that each have made one request and then stay idle.
 *
 * It prints four numbers: the answers per second, and in per cent of the measured
 * time what the server used of its CPU, what this used of its own, and how long
 * both could have run and were not let, because something else ran there. With -i
 * they are the server's memory for a connection, in bytes, all that it had before
 * and then, in KiB (PSS, so what the kernel keeps for a socket is not in it), and 0.
 *
 * -b never sleeps. Without it the server's send(2) has to wake this process, when
 * the server is so slow that this one waits: work on the server's CPU.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BUFFER = 1 << 16,
	DEPTH = 256,    /* requests at a time, at most */
	SERVERS = 16,   /* processes of the server, at most */
	PATIENCE = 20,  /* seconds until an answer that is missing is an error */
};

struct connection {
	int fd;
	int awaited;     /* answers */
	long rest;       /* bytes of content still to come of the first of them */
	size_t have;     /* bytes in the buffer that no answer has taken yet */
	char buffer[BUFFER];
};

static struct sockaddr_in server = {.sin_family = AF_INET};
static pid_t pids[SERVERS];
static int npids;
static char requests[BUFFER];
static size_t requests_len;
static int depth = 1;
static long length; /* of the content that is expected */
static long answers;

static void die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void die(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fprintf(stderr, "load: %s:%d: ", inet_ntoa(server.sin_addr), ntohs(server.sin_port));
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	for (int i = 0; i < npids; i++)
		kill(pids[i], SIGCONT); /* in case it was stopped */
	exit(1);
}

static void late(int signal)
{
	(void)signal;
	die("no answer for %d s, after %ld answers", PATIENCE, answers);
}

/* -- clocks, in seconds -- */

static double seconds(clockid_t clock)
{
	struct timespec t;
	if (clock_gettime(clock, &t) < 0)
		die("clock_gettime: %s", strerror(errno));
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static double now(void) { return seconds(CLOCK_MONOTONIC); }
static double own(void) { return seconds(CLOCK_PROCESS_CPUTIME_ID); }

/* used is the CPU time of the server. */
static double used(void)
{
	double sum = 0;
	for (int i = 0; i < npids; i++) {
		clockid_t clock;
		if (clock_getcpuclockid(pids[i], &clock) != 0)
			die("there is no process %d", pids[i]);
		sum += seconds(clock);
	}
	return sum;
}

/* schedstat reads how long a thread ran, and how long it could have run and had
 * no CPU; /proc/PID/schedstat in the kernel's Documentation/scheduler/sched-stats. */
static int schedstat(pid_t pid, pid_t thread, double *ran, double *delayed)
{
	char path[64];
	long run, delay;
	snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", pid, thread);
	FILE *f = fopen(path, "r");
	if (!f)
		return 0;
	int n = fscanf(f, "%ld %ld", &run, &delay);
	fclose(f);
	*ran = run * 1e-9, *delayed = delay * 1e-9;
	return n == 2;
}

/* busiest is the thread of a process that ran the longest. */
static pid_t busiest(pid_t pid)
{
	char path[64];
	double most = -1, ran, delayed;
	pid_t thread = pid;
	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *threads = opendir(path);
	struct dirent *entry;
	while (threads && (entry = readdir(threads)))
		if (schedstat(pid, atoi(entry->d_name), &ran, &delayed) && ran > most)
			most = ran, thread = atoi(entry->d_name);
	if (threads)
		closedir(threads);
	return thread;
}

/* disturbed is how long this process, and the server, were kept from running. Of
 * the server it is the thread that does the work: the others of a Go program wait
 * for that one. */
static double disturbed(void)
{
	static pid_t threads[SERVERS];
	double sum, ran, delayed;
	if (!schedstat(getpid(), getpid(), &ran, &sum))
		return 0;
	for (int i = 0; i < npids; i++) {
		if (!threads[i])
			threads[i] = busiest(pids[i]);
		if (schedstat(pids[i], threads[i], &ran, &delayed))
			sum += delayed;
	}
	return sum;
}

/* -- connections -- */

static void dial(struct connection *c)
{
	c->awaited = 0, c->rest = 0, c->have = 0;
	if ((c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		die("socket: %s", strerror(errno));
	if (connect(c->fd, (struct sockaddr *)&server, sizeof server) < 0)
		die("connect: %s", strerror(errno));
}

/* take counts bytes of content. */
static void take(struct connection *c, long n)
{
	c->rest -= n;
	if (c->rest == 0)
		c->awaited--, answers++;
}

static void ask(struct connection *c)
{
	if (send(c->fd, requests, requests_len, MSG_NOSIGNAL) != (ssize_t)requests_len)
		die("send, after %ld answers: %s", answers, strerror(errno));
	c->awaited = depth;
}

/* head returns the size of the head at b, 0 when it is not all there. It is read
 * once: as long as the server sends the same bytes they mean the same. */
static size_t head(const char *b, size_t n)
{
	static char known[BUFFER];
	static size_t size;
	if (size > 0 && n >= size && memcmp(b, known, size) == 0)
		return size;
	const char *end = memmem(b, n, "\r\n\r\n", 4);
	if (!end)
		return 0;
	if (strncmp(b, "HTTP/1.1 200 ", 13) != 0)
		die("answers %.12s", b);
	const char *field = b;
	while ((field = memmem(field, end - field, "\r\n", 2)) && strncasecmp(field + 2, "Content-Length:", 15) != 0)
		field += 2;
	long is = field ? strtol(field + 17, NULL, 10) : -1;
	if (is != length)
		die("Content-Length is %ld, and %ld bytes are expected", is, length);
	size = end + 4 - b;
	memcpy(known, b, size);
	return size;
}

/* receive takes what has come, as far as it is awaited. It returns -1 at the end
 * of the stream, 0 when nothing is there (with MSG_DONTWAIT in flags), else 1. */
static int receive(struct connection *c, int flags)
{
	/* The content of a large answer is not copied; tcp(7) on MSG_TRUNC. */
	int drop = c->rest > BUFFER;
	ssize_t n = drop ? recv(c->fd, NULL, c->rest, flags | MSG_TRUNC)
			 : recv(c->fd, c->buffer + c->have, BUFFER - c->have, flags);
	if (n == 0)
		return -1;
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0)
		die("recv, after %ld answers: %s", answers, strerror(errno));
	if (drop) {
		take(c, n);
	} else {
		c->have += n;
		char *at = c->buffer, *end = at + c->have;
		while (at < end && c->awaited > 0) {
			if (c->rest == 0) {
				size_t size = head(at, end - at);
				if (size == 0)
					break;
				at += size;
				c->rest = length;
			}
			long part = end - at < c->rest ? end - at : c->rest;
			at += part;
			take(c, part);
		}
		c->have = end - at;
		if (c->awaited == 0 && c->have > 0)
			die("%zu bytes after the answer", c->have);
		if (c->have == BUFFER)
			die("a head of more than %d bytes", BUFFER);
		if (c->have > 0)
			memmove(c->buffer, at, c->have);
	}
	return 1;
}

/* -- the three kinds of load -- */

static void tell(double wall, double server, double self, double delay, double whole)
{
	printf("%.0f %.1f %.1f %.1f\n", answers / wall, 100 * server / wall, 100 * self / wall, 100 * delay / whole);
}

static void keep(struct connection *all, int count, double duration, int timeout)
{
	struct epoll_event ready[512];
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		die("epoll_create1: %s", strerror(errno));
	for (int i = 0; i < count; i++) {
		struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.ptr = &all[i]};
		dial(&all[i]);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, all[i].fd, &e) < 0)
			die("epoll_ctl: %s", strerror(errno));
		ask(&all[i]);
	}
	double start = 0, begin = now() + 0.5, t;
	double used0 = 0, own0 = 0, disturbed0 = 0;
	while ((t = now()) < begin + duration) {
		if (start == 0 && t >= begin) {
			disturbed0 = disturbed(), used0 = used(), own0 = own();
			answers = 0;
			start = begin = now();
			alarm(PATIENCE + duration);
		}
		int n = epoll_wait(epoll, ready, 512, timeout);
		if (n < 0)
			die("epoll_wait: %s", strerror(errno));
		for (int i = 0; i < n; i++) {
			struct connection *c = ready[i].data.ptr;
			int got;
			while ((got = receive(c, MSG_DONTWAIT)) > 0 && c->awaited > 0)
				;
			if (got < 0)
				die("a kept connection ended, after %ld answers", answers);
			if (c->awaited == 0)
				ask(c);
		}
	}
	tell(t - start, used() - used0, own() - own0, disturbed() - disturbed0, t - start);
}

static void signal_all(int signal)
{
	for (int i = 0; i < npids; i++)
		if (kill(pids[i], signal) < 0)
			die("kill: %s", strerror(errno));
}

static void renew(struct connection *all, int count, double duration, int flags)
{
	double wall = 0, used0 = 0, self = 0, disturbed0 = 0, begin = now() + 0.5, end = begin + duration, t;
	int warm = 0;
	while ((t = now()) < end) {
		if (!warm && t >= begin) {
			warm = 1, wall = 0, self = 0, answers = 0;
			disturbed0 = disturbed(), used0 = used();
			alarm(PATIENCE + duration);
		}
		signal_all(SIGSTOP);
		usleep(500); /* kill(2) does not wait until it has stopped */
		for (int i = 0; i < count; i++) {
			dial(&all[i]);
			ask(&all[i]);
		}
		double start = now(), own0 = own();
		signal_all(SIGCONT);
		/* The last is the last to be accepted, so one sleep is enough. */
		for (int i = count - 1; i >= 0; i--) {
			int got;
			while ((got = receive(&all[i], all[i].awaited ? flags : 0)) >= 0)
				;
			if (all[i].awaited)
				die("a connection ended without its answer, after %ld answers", answers);
		}
		wall += now() - start, self += own() - own0;
		for (int i = 0; i < count; i++)
			close(all[i].fd);
	}
	tell(wall, used() - used0, self, disturbed() - disturbed0, duration);
}

/* memory is the server's, in bytes: the pages that it alone has mapped, and its
 * part of the shared ones; proc_pid_smaps(5). */
static long memory(void)
{
	long sum = 0;
	for (int i = 0; i < npids; i++) {
		char line[256];
		long kib = -1;
		snprintf(line, sizeof line, "/proc/%d/smaps_rollup", pids[i]);
		FILE *f = fopen(line, "r");
		while (f && fgets(line, sizeof line, f) && sscanf(line, "Pss: %ld kB", &kib) != 1)
			;
		if (kib < 0)
			die("the memory of process %d is not told", pids[i]);
		fclose(f);
		sum += kib * 1024;
	}
	return sum;
}

static void idle(struct connection *c, int count)
{
	long before = memory();
	int *fds = calloc(count, sizeof *fds);
	if (!fds)
		die("no memory");
	alarm(3 * PATIENCE);
	for (int i = 0; i < count; i++) {
		dial(c);
		ask(c);
		while (c->awaited > 0)
			if (receive(c, 0) < 0)
				die("connection %d ended without an answer", i + 1);
		fds[i] = c->fd;
	}
	sleep(1);
	long after = memory();
	for (int i = 0; i < count; i++)
		if (recv(fds[i], c->buffer, 1, MSG_DONTWAIT) >= 0)
			die("connection %d of %d was not idle, or has ended by now", i + 1, count);
	printf("%.0f %ld %ld 0.0\n", (double)(after - before) / count, before / 1024, after / 1024);
}

int main(int argc, char **argv)
{
	enum { KEEP, RENEW, IDLE } kind = KEEP;
	int option, count = 64, awake = 0;
	double duration = 2;
	while ((option = getopt(argc, argv, "p:c:s:d:nib")) != -1) {
		switch (option) {
		case 'p':
			for (char *pid = strtok(optarg, ","); pid && npids < SERVERS; pid = strtok(NULL, ","))
				pids[npids++] = atoi(pid);
			break;
		case 'c': count = atoi(optarg); break;
		case 's': duration = atof(optarg); break;
		case 'd': depth = atoi(optarg); break;
		case 'n': kind = RENEW; break;
		case 'i': kind = IDLE; break;
		case 'b': awake = 1; break;
		default: return 2;
		}
	}
	if (argc - optind != 4 || npids == 0 || count < 1 || depth < 1 || depth > DEPTH || duration <= 0 ||
	    inet_pton(AF_INET, argv[optind], &server.sin_addr) != 1) {
		fprintf(stderr, "usage: load -p PID[,PID...] [-c CONNECTIONS] [-s SECONDS] [-d DEPTH | -n | -i] [-b] ADDRESS PORT PATH LENGTH\n");
		return 2;
	}
	server.sin_port = htons(atoi(argv[optind + 1]));
	length = atol(argv[optind + 3]);

	/* The fields that ab(1) and curl send. */
	char one[512];
	int size = snprintf(one, sizeof one, "GET %s HTTP/1.1\r\nHost: %s:%s\r\nUser-Agent: load\r\nAccept: */*\r\n%s\r\n",
			    argv[optind + 2], argv[optind], argv[optind + 1], kind == RENEW ? "Connection: close\r\n" : "");
	if (size >= (int)sizeof one || size * depth > BUFFER) {
		fprintf(stderr, "load: the path is too long\n");
		return 2;
	}
	for (int i = 0; i < depth; i++, requests_len += size)
		memcpy(requests + requests_len, one, size);

	signal(SIGALRM, late);
	alarm(PATIENCE);
	struct connection *all = calloc(kind == IDLE ? 1 : count, sizeof *all);
	if (!all)
		die("no memory");
	switch (kind) {
	case KEEP: keep(all, count, duration, awake ? 0 : -1); break;
	case RENEW: renew(all, count, duration, awake ? MSG_DONTWAIT : 0); break;
	case IDLE: idle(all, count); break;
	}
	return 0;
}
