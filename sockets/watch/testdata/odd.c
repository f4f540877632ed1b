// What the tests watch. The first argument says what to do.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

// forking serves three clients, each in a process of its own.
static int forking(int port) {
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&addr, sizeof addr) || listen(fd, 5))
		return 1;
	for (int i = 0; i < 3; i++) {
		int conn = accept(fd, NULL, NULL);
		if (fork() == 0) {
			char buf[1024];
			close(fd);
			read(conn, buf, sizeof buf);
			write(conn, "HTTP/1.0 200 OK\r\n\r\nhello\n", 25);
			shutdown(conn, SHUT_WR);
			close(conn);
			_exit(0);
		}
		close(conn);
		wait(NULL);
	}
	close(fd);
	return 3;
}

// many has n sockets, each by two descriptors.
static int many(int n) {
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	int made = 0;
	for (int i = 0; i < n; i++)
		if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0)
			made++;
	for (int i = 0; i < 100; i++)
		dup(3 + i);
	close_range(3, 3 + n / 2 - 1, 0);
	if (fork() == 0)
		_exit(made == n ? 0 : 1);
	int status;
	wait(&status);
	return WEXITSTATUS(status);
}

// pass gives a socket to another process, and closes it before that one does.
static int pass(void) {
	int line[2], fd = socket(AF_INET, SOCK_STREAM, 0);
	socketpair(AF_UNIX, SOCK_STREAM, 0, line);
	if (fork() == 0) {
		close(fd);
		char byte, control[CMSG_SPACE(sizeof(int))];
		struct iovec iov = {&byte, 1};
		struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
		recvmsg(line[1], &msg, 0);
		int got;
		memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof got);
		dup2(got, 50);
		close(got);
		read(line[1], &byte, 1); // until the other one has closed its own
		int on = 1;
		setsockopt(50, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
		_exit(0);
	}
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {"x", 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET, c->cmsg_type = SCM_RIGHTS, c->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	sendmsg(line[0], &msg, 0);
	close(fd);
	write(line[0], "x", 1);
	wait(NULL);
	return 0;
}

static int line[2];
static struct iovec *volatile shared;
static volatile int over;

static void *change(void *unused) {
	while (!over) {
		shared->iov_base = (void *)(random() % 2 ? (uintptr_t)random() << 16 : (uintptr_t)&line);
		shared->iov_len = random() % 3 ? random() : (size_t)-1;
	}
	return unused;
}

// race has one thread change what another gives to the kernel.
static int race(void) {
	pthread_t t;
	struct iovec iov[2] = {{"hello", 5}, {"hello", 5}};
	char buf[4096];
	shared = iov;
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, line);
	signal(SIGPIPE, SIG_IGN);
	pthread_create(&t, NULL, change, NULL);
	for (int i = 0; i < 2000; i++) {
		writev(line[0], iov, 2);
		struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2, .msg_name = iov[0].iov_base, .msg_namelen = iov[0].iov_len};
		sendmsg(line[0], &msg, MSG_DONTWAIT);
		while (read(line[1], buf, sizeof buf) > 0)
			;
	}
	over = 1;
	pthread_join(t, NULL);
	return 9;
}

// thread has a thread that is not the first execute another program.
static void *other(void *unused) {
	execl("/bin/sh", "sh", "-c", "exit 6", NULL);
	return unused;
}

static int thread(void) {
	pthread_t t;
	socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_create(&t, NULL, other, NULL);
	pause();
	return 1;
}

// uring sets up what passes calls by.
static int uring(void) {
	char params[120] = {0};
	long fd = syscall(425, 4, params);
	return fd < 0 ? errno : 0;
}

// busy writes and reads n times, at each end in turn.
static int busy(int n) {
	char buf[200] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	socketpair(AF_UNIX, SOCK_STREAM, 0, line);
	for (int i = 0; i < n; i++) {
		send(line[i % 2], buf, sizeof buf, MSG_NOSIGNAL);
		recv(line[1 - i % 2], buf, sizeof buf, 0);
	}
	return 0;
}

int main(int argc, char **argv) {
	int n = argc > 2 ? atoi(argv[2]) : 0;
	switch (argv[1][0]) {
	case 'b': return busy(n);
	case 'f': return forking(n);
	case 'm': return many(n);
	case 'p': return pass();
	case 'r': return race();
	case 't': return thread();
	case 'u': return uring();
	}
	return 99;
}
